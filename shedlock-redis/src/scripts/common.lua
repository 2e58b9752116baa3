-- What several scripts need. Their clock is the server's.

local function integer(number)
    return string.format('%.0f', number)
end

-- Microseconds since the Unix epoch.
local function clock()
    local time = redis.call('TIME')
    return time[1] * 1000000 + time[2]
end

-- Microseconds since the Unix epoch as 2026-03-01T12:00:00.000000Z.
-- There is no calendar in Redis's Lua: http://howardhinnant.github.io/date_algorithms.html#civil_from_days
local function iso(micros)
    local seconds = math.floor(micros / 1000000)
    local days = math.floor(seconds / 86400)
    local of_day = seconds - days * 86400
    local shifted = days + 719468
    local era = math.floor(shifted / 146097)
    local of_era = shifted - era * 146097
    local year = math.floor((of_era - math.floor(of_era / 1460) + math.floor(of_era / 36524)
        - math.floor(of_era / 146096)) / 365)
    local of_year = of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
    local from_march = math.floor((5 * of_year + 2) / 153)
    local day = of_year - math.floor((153 * from_march + 2) / 5) + 1
    local month = from_march < 10 and from_march + 3 or from_march - 9
    return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%06dZ',
        year + era * 400 + (month <= 2 and 1 or 0), month, day,
        math.floor(of_day / 3600), math.floor(of_day / 60) % 60, of_day % 60,
        micros - seconds * 1000000)
end

local function ends_with(text, ending)
    return string.sub(text, -#ending) == ending
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

-- Lets a key end when its time has come (us since the Unix epoch), in the next ms at the earliest. Answers its last ms.
local function free_at(key, time, now)
    local last = integer(math.max(math.ceil(time / 1000) - 1, math.floor(now / 1000) + 1))
    redis.call('PEXPIREAT', key, last)
    return tonumber(last)
end

