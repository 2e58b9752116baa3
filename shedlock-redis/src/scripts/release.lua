-- Ends a lease, now or when its shortest time is over.
-- KEYS: the lock
-- ARGV: how its value begins, how long its value is, when it was acquired in us, its shortest time in us
-- Answers: 'released', 'gone' or 'other'
local held = redis.call('GET', KEYS[1])
if not held then
    return 'gone'
end
if #held ~= tonumber(ARGV[2]) or string.sub(held, 1, #ARGV[1]) ~= ARGV[1] then
    return 'other'
end
local now = clock()
local free_at = math.min(tonumber(ARGV[3]), now) + tonumber(ARGV[4])
if free_at > now then
    local last = math.max(math.ceil(free_at / 1000) - 1, math.floor(now / 1000) + 1)
    redis.call('PEXPIREAT', KEYS[1], integer(last))
else
    redis.call('DEL', KEYS[1])
end
return 'released'
