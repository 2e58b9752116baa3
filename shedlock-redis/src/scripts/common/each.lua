-- Deals with locks one after the other, each with so many keys and arguments: `deal` is told where they are. What fails for one of many
-- fails for it alone, and may be asked for again, alone.
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
