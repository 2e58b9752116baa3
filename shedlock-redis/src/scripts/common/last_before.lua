-- The last ms of a key that is to end at a time (us since the Unix epoch); the next ms at the
-- earliest.
local function last_before(time, now)
    return math.max(math.ceil(time / 1000) - 1, math.floor(now / 1000) + 1)
end
