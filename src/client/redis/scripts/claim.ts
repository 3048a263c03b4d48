/** How messages come to consumers and go back. */
import { script } from "./script.js";

/**
 * Takes one message for each place out of several queues of one node, each place in an order of its
 * own. A place that holds a message already is told as if it had been taken now: so a call whose answer
 * was lost can be repeated. Of the jobs before their last attempt one is out at a time. KEYS: for each queue queue, last, lastClaim; then for each place its key in each queue.
 * ARGV: number of queues, number of places; then for each place the order, as digits from 0.
 *
 * Returns for each place taken the index of the queue and the message, in one flat list.
 */
export const CLAIM = script(`
local queues, places = tonumber(ARGV[1]), tonumber(ARGV[2])
local taken = {}
for place = 1, places do
  local base = queues * 3 + (place - 1) * queues
  local found, message
  for index = 0, queues - 1 do
    message = redis.call('LINDEX', KEYS[base + index + 1], 0)
    if message then found = index break end
  end
  for digit in string.gmatch(ARGV[2 + place], '%d') do
    if found then break end
    local index = tonumber(digit)
    local queue, last, out = KEYS[index * 3 + 1], KEYS[index * 3 + 2], KEYS[index * 3 + 3]
    local claim = KEYS[base + index + 1]
    if redis.call('EXISTS', last) == 1 then
      local holder = redis.call('GET', out)
      if not holder or redis.call('EXISTS', holder) == 0 then
        message = redis.call('LMOVE', last, claim, 'LEFT', 'LEFT')
        redis.call('SET', out, claim)
      end
    end
    if not message then message = redis.call('LMOVE', queue, claim, 'LEFT', 'LEFT') end
    if message then found = index end
  end
  if not found then break end
  taken[#taken + 1] = found
  taken[#taken + 1] = message
end
return taken
`);

/**
 * Puts what is in places back to the head of their queue. A Redis that lost its last writes may hold
 * more than one message in a place. KEYS: queue, places, the newest first.
 */
export const GIVE_BACK = script(`
local count = 0
for i = 2, #KEYS do
  while redis.call('LMOVE', KEYS[i], KEYS[1], 'LEFT', 'LEFT') do count = count + 1 end
end
return count
`);

/** Takes the message of a place away for good. KEYS: the place. Returns whether there was one. */
export const REMOVE = script(`
local count = redis.call('LLEN', KEYS[1])
if count > 0 then redis.call('LTRIM', KEYS[1], 1, -1) end
return math.min(count, 1)
`);
