-- What several scripts need. Their clock is the server's.

-- Microseconds since the Unix epoch; and the same as text: whole seconds, a blank, and the rest.
local function clock()
    local time = redis.call('TIME')
    return time[1] * 1000000 + time[2], time[1] .. ' ' .. time[2]
end

-- Microseconds since the Unix epoch as texts that are in the order of their times.
local function digits(micros)
    return string.format('%018d', micros)
end
local NEVER = '000000000000000000'

-- Microseconds since the Unix epoch as 2026-03-01T12:00:00.000000Z.
-- There is no calendar in Redis's Lua: http://howardhinnant.github.io/date_algorithms.html#civil_from_days
local function iso(micros)
    local floor = math.floor
    local seconds = floor(micros / 1000000)
    local days = floor(seconds / 86400)
    local of_day = seconds - days * 86400
    local shifted = days + 719468
    local era = floor(shifted / 146097)
    local of_era = shifted - era * 146097
    local year = floor((of_era - floor(of_era / 1460) + floor(of_era / 36524) - floor(of_era / 146096)) / 365)
    local of_year = of_era - (365 * year + floor(year / 4) - floor(year / 100))
    local from_march = floor((5 * of_year + 2) / 153)
    local day = of_year - floor((153 * from_march + 2) / 5) + 1
    local month = from_march < 10 and from_march + 3 or from_march - 9
    return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%06dZ',
        year + era * 400 + (month <= 2 and 1 or 0), month, day,
        floor(of_day / 3600), floor(of_day / 60) % 60, of_day % 60,
        micros - seconds * 1000000)
end

local function begins_with(text, beginning)
    return string.sub(text, 1, #beginning) == beginning
end

local function ends_with(text, ending)
    return string.sub(text, -#ending) == ending
end

-- The last ms in which a key is there that is to end at a time (us since the Unix epoch): the next ms at the earliest.
local function last_before(time, now)
    return math.max(math.ceil(time / 1000) - 1, math.floor(now / 1000) + 1)
end

-- The last ms in which a key is there, as ms since the Unix epoch: -1 if it has no end, -2 if it is not there.
local function last_ms(key, now)
    local last = redis.pcall('PEXPIRETIME', key)
    if type(last) == 'number' then
        return last
    end
    -- Before Redis 7 it can only be computed, from another reading of the clock.
    local rest = redis.call('PTTL', key)
    return rest < 0 and rest or math.floor(now / 1000) + rest
end

-- Deals with locks one after the other, each with so many keys and arguments: `deal` is told where they are. What fails for one of many
-- fails for it alone, and is asked for again, alone.
local function each(keys, arguments, deal)
    if #KEYS == keys then
        return {deal(0, 0)}
    end
    local answers = {}
    for number = 0, #KEYS / keys - 1 do
        local dealt, answer = pcall(deal, number * keys, number * arguments)
        answers[number + 1] = dealt and answer or 'failed'
    end
    return answers
end

-- What is remembered of a lock, as text: whether it has been taken for a fire time (`+` or `-`), its highest token, the time or fire time of
-- its last acquisition and of the one before (us as `digits`), and the last one's value.
local function unpack_memory(memory)
    local kind, token, at, before = string.match(memory, '^([+-]) (%d+) (%d+) (%d+) ')
    if not kind or #token ~= #NEVER or #at ~= #NEVER or #before ~= #NEVER then
        error('what is remembered of the lock has been overwritten')
    end
    return kind, token, at, before
end

local function remembered_value(memory)
    return string.sub(memory, #'+ ' + 3 * (#NEVER + #' ') + 1)
end
