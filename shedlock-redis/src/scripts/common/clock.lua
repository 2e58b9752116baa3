-- The server's clock in microseconds since the Unix epoch, and as two texts: the whole seconds, and
-- the microseconds beyond them.
local function clock()
    local time = redis.call('TIME')
    return time[1] * 1000000 + time[2], time
end
