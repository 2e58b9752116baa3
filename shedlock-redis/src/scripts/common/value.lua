-- The length of the UUID that a lock's value ends with.
local UUID = 36

-- Which acquisition a value is of.
local function uuid_of(value)
    return string.sub(value, -UUID)
end

-- Whether a lock's value is that of a lease: it begins like that, and nothing follows but a UUID.
local function belongs(value, beginning)
    return #value == #beginning + UUID and string.sub(value, 1, #beginning) == beginning
end
