-- Takes locks, or tells why not.
-- KEYS, for each: the lock, its memory
-- ARGV, for each: the value to write, with the fire time as its time if there is one; its terms:
-- the lease in us, the fire time in us (or blanks) and how long to remember it in ms, with nothing
-- between
-- Answers, for each: the lock's last ms if it has that value now. Otherwise a text: the verdict,
-- the clock (seconds, us), the lock's last ms, and the value that was written or is in the way
local now, time = clock()
-- The year 10000, for which a value has no room.
local END_OF_TIME = '253402300800000000'
-- How many digits the first two terms have; as in acquiring.rs.
local LEASE, TIME = 16, 18
local NO_TIME = '                  '
-- The requests of a batch often have the same terms, which are then read once.
local terms, lease, fire_time, memory_ms, scheduled, early, last, last_text

local function read(asked)
    terms = asked
    lease, fire_time = string.sub(asked, 1, LEASE), string.sub(asked, LEASE + 1, LEASE + TIME)
    memory_ms = string.sub(asked, LEASE + TIME + 1)
    scheduled = fire_time ~= NO_TIME
    early = scheduled and tonumber(fire_time) > now
    last = last_before(now + lease, now)
    last_text = string.format('%d', last)
end

local function say(verdict, last, value)
    return verdict .. ' ' .. time[1] .. ' ' .. time[2] .. ' ' .. last .. ' ' .. value
end

return each(2, 2, function(key, argument)
    local lock, memory, value = KEYS[key + 1], KEYS[key + 2], ARGV[argument + 1]
    if terms ~= ARGV[argument + 2] then
        read(ARGV[argument + 2])
    end
    if early then
        return say('early', NOT_THERE, '')
    end

    local held = redis.call('GET', lock)
    local forbidden, known, kind, token, at, ran
    if scheduled or not held then
        forbidden, known, kind, token, at = recall(memory, now)
        ran = scheduled and at ~= NEVER and at >= fire_time
    end
    if held then
        return say(ran and 'ran' or 'held', string.format('%d', last_ms(lock, now)), held)
    end
    if ran or forbidden ~= '' or known and not scheduled then
        -- A driver may send a command twice, and a network may deliver it late. (What was granted
        -- for a fire time has run.)
        local uuid = uuid_of(value)
        if known and uuid_of(known) == uuid or string.find(forbidden, uuid, 1, true) then
            return say('duplicate', NOT_THERE, '')
        end
    end
    if ran then
        return say('ran', NOT_THERE, remembered_value(known))
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
    local remember_ms = memory_ms
    if kind == '+' and not scheduled then
        -- A lock that a schedule uses is remembered just as long after a run by hand.
        remember_ms = math.max(tonumber(memory_ms), redis.call('PTTL', memory))
    end
    if redis.pcall('SET', lock, value, 'PXAT', last_text).err then
        -- Before Redis 6.2, or refused: then so is the next one.
        redis.call('SET', lock, value, 'PX', last - math.floor(now / 1000))
        if redis.pcall('PEXPIREAT', lock, last_text) ~= 1 then
            -- The user may not do that: no lock is left, and the server's own error is answered.
            redis.call('DEL', lock)
            redis.call('PEXPIREAT', lock, last_text)
        end
    end
    redis.call('SET', memory, forbidden .. (scheduled and '+' or kind) .. ' ' .. locked_at .. ' '
        .. (scheduled and fire_time or locked_at) .. ' ' .. at .. ' ' .. value, 'PX', remember_ms)
    return value == asked and last or say('acquired', last_text, value)
end)
