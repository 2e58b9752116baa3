-- Takes locks, or tells why not.
-- KEYS, for each: the lock, its memory, the mark that says that this acquisition was taken back
-- ARGV, for each: this acquisition as `holder:uuid`, lease in us, fire time in us or '', the same as text, how long to remember it in ms
-- Answers, for each: the verdict, the clock in us, the value that is in the way or was written, and the lock's last ms
local now = clock()
-- The year 10000, for which its text has no room.
local END_OF_TIME = 253402300800000000

return each(3, 5, function(key, argument)
    local lock, memory, mark = KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
    local id, fire_time = ARGV[argument + 1], tonumber(ARGV[argument + 3])
    if fire_time and fire_time > now then
        return {'early', now, '', -2}
    end

    local held = redis.call('GET', lock)
    local known = (fire_time or not held) and redis.call('GET', memory)
    local kind, token, at, _, value = '-', 0, '', '', ''
    if known then
        kind, token, at, _, value = unpack_memory(known)
    end
    local ran = fire_time and at ~= '' and tonumber(at) >= fire_time
    if held then
        return {ran and 'ran' or 'held', now, held, last_ms(lock, now)}
    end
    -- A driver may send a command twice, and a network may deliver it late.
    if ends_with(value, id) or redis.call('EXISTS', mark) == 1 then
        return {'spent', now, '', -2}
    end
    if ran then
        return {'ran', now, value, -2}
    end

    local locked_at = math.max(fire_time or now, token + 1)
    if locked_at >= END_OF_TIME then
        error('the token of the lock cannot grow any more')
    end
    local as_asked = locked_at == fire_time
    local new_token = as_asked and ARGV[argument + 3] or string.format('%d', locked_at)
    local mine = 'ADDED:' .. (as_asked and ARGV[argument + 4] or iso(locked_at)) .. '@' .. id
    -- A lock that a schedule uses is remembered as long after a run by hand.
    local memory_ms = (fire_time or kind == '-') and ARGV[argument + 5] or math.max(ARGV[argument + 5], redis.call('PTTL', memory))
    redis.call('SET', memory, (fire_time and '+ ' or kind .. ' ') .. new_token .. ' ' .. (fire_time and ARGV[argument + 3] or new_token)
        .. ' ' .. at .. ' ' .. mine, 'PX', memory_ms)
    local last = last_before(now + ARGV[argument + 2], now)
    if redis.pcall('SET', lock, mine, 'PXAT', last).err then
        -- Before Redis 6.2.
        redis.call('SET', lock, mine)
        redis.call('PEXPIREAT', lock, last)
    end
    return {'acquired', now, mine, last}
end)
