-- The server's clock: microseconds since the Unix epoch; and its texts, of whole seconds and of the rest.
local function clock()
    local time = redis.call('TIME')
    return time[1] * 1000000 + time[2], time
end
