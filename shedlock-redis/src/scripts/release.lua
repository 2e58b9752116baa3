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
local kept_until = math.min(tonumber(ARGV[3]), now) + tonumber(ARGV[4])
if kept_until > now then
    free_at(KEYS[1], kept_until, now)
else
    redis.call('DEL', KEYS[1])
end
return 'released'
