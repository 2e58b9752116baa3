-- Tells the clock.
-- KEYS: any key of the node whose clock is asked for
-- Answers: the clock in us
return (clock())
