-- Takes locks, or tells why not.
-- KEYS, for each: the lock, its memory, the mark that says that this acquisition was taken back
-- ARGV, for each: the value to write, with the fire time as its time if there is one; lease in us; fire time in us as `digits`, or '';
-- how long to remember it in ms
-- Answers, for each: the lock's last ms if it has that value now. Otherwise a text: the verdict, the clock as `clock` tells it, the lock's
-- last ms, and the value that was written or is in the way
local now, now_text = clock()
-- The year 10000, for which a value has no room.
local END_OF_TIME = '253402300800000000'
-- Those of a herd often ask for the same.
local lease, last, last_text

local function say(verdict, last, value)
    return verdict .. ' ' .. now_text .. ' ' .. last .. ' ' .. value
end

return each(3, 4, function(key, argument)
    local lock, memory, mark = KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
    local value, fire_time = ARGV[argument + 1], ARGV[argument + 3]
    local scheduled = fire_time ~= ''
    if scheduled and tonumber(fire_time) > now then
        return say('early', -2, '')
    end

    local held = redis.call('GET', lock)
    local known = (scheduled or not held) and redis.call('GET', memory)
    local kind, token, at = '-', NEVER, NEVER
    if known then
        kind, token, at = unpack_memory(known)
    end
    local ran = scheduled and at ~= NEVER and at >= fire_time
    if held then
        return say(ran and 'ran' or 'held', string.format('%d', last_ms(lock, now)), held)
    end
    -- A driver may send a command twice, and a network may deliver it late. The end of a value is a UUID.
    if known and ends_with(known, string.sub(value, -36)) or redis.call('EXISTS', mark) == 1 then
        return say('spent', -2, '')
    end
    if ran then
        return say('ran', -2, remembered_value(known))
    end

    local asked, locked_at = value, fire_time
    if not scheduled or token >= fire_time then
        local micros = math.max(tonumber(fire_time) or now, token + 1)
        locked_at = digits(micros)
        value = 'ADDED:' .. iso(micros) .. string.match(value, '@.*')
    end
    if locked_at >= END_OF_TIME then
        error('the token of the lock cannot grow any more')
    end
    local memory_ms = ARGV[argument + 4]
    if kind == '+' and not scheduled then
        -- A lock that a schedule uses is remembered as long after a run by hand.
        memory_ms = math.max(memory_ms, redis.call('PTTL', memory))
    end
    redis.call('SET', memory, (scheduled and '+' or kind) .. ' ' .. locked_at .. ' ' .. (scheduled and fire_time or locked_at) .. ' ' .. at
        .. ' ' .. value, 'PX', memory_ms)
    if lease ~= ARGV[argument + 2] then
        lease = ARGV[argument + 2]
        last = last_before(now + lease, now)
        last_text = string.format('%d', last)
    end
    if redis.pcall('SET', lock, value, 'PXAT', last_text).err then
        -- Before Redis 6.2.
        redis.call('SET', lock, value)
        redis.call('PEXPIREAT', lock, last_text)
    end
    return value == asked and last or say('acquired', last_text, value)
end)
