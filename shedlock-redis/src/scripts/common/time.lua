-- Microseconds since the Unix epoch as texts that are in the order of their times.
local function digits(micros)
    return string.format('%018d', micros)
end
local NEVER = '000000000000000000'

-- Microseconds since the Unix epoch as 2026-03-01T12:00:00.000000Z. There is no calendar in Redis's
-- Lua: http://howardhinnant.github.io/date_algorithms.html#civil_from_days
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
