/** Leases of workers, and what becomes of those who let theirs run out. */
import { script } from "./script.js";

/**
 * A worker says that it lives. KEYS: workers, its hash. ARGV: its id, its lease in ms, "new" for the
 * first time, then fields and values of its hash, "places" among them: a beat that was overtaken by a
 * later one does not take back what that one said of them.
 *
 * Returns {1 or 0 when its lease is over, the time in ms until the next worker's lease ends, or -1}.
 */
export const BEAT = script(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ARGV[3] ~= 'new' and (not ends or tonumber(ends) < now) then return {0, 0} end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
local known = tonumber(redis.call('HGET', KEYS[2], 'places') or '0')
local fields = {}
for i = 4, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', KEYS[2], 'lease', ARGV[2], 'seen', now, unpack(fields))
if known > tonumber(redis.call('HGET', KEYS[2], 'places')) then redis.call('HSET', KEYS[2], 'places', known) end
local wait = -1
for _, worker in ipairs(redis.call('ZRANGE', KEYS[1], 0, 1)) do
  if worker ~= ARGV[1] then
    local left = math.max(0, tonumber(redis.call('ZSCORE', KEYS[1], worker)) - now)
    if wait < 0 or left < wait then wait = left end
  end
end
return {1, wait}
`);

/**
 * KEYS: workers, who looks after them. ARGV: who asks, and for how long nobody else need do so, in ms.
 *
 * Returns ids of those whose lease is over and for how long that is so, in ms; false when somebody else
 * looks after them just now.
 */
export const OVERDUE = script(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. now, 'WITHSCORES', 'LIMIT', 0, 100)
if #found == 0 then return found end
local keeper = redis.call('GET', KEYS[2])
if keeper and keeper ~= ARGV[1] then return false end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
for i = 2, #found, 2 do found[i] = now - tonumber(found[i]) end
return found
`);

/** Which places of a dead worker hold something. ARGV: prefix of its claims, number of places. */
export const HELD = script(`
local held = {}
for place = 0, tonumber(ARGV[2]) - 1 do
  if redis.call('EXISTS', ARGV[1] .. place) == 1 then held[#held + 1] = place end
end
return held
`);

/**
 * Takes a dead worker's claim into a place of one's own. KEYS: the claim, the place.
 * Returns the message; false when another one was quicker.
 */
export const TAKE_OVER = script(`
if redis.call('EXISTS', KEYS[2]) == 0 then
  if redis.call('EXISTS', KEYS[1]) == 0 then return false end
  redis.call('RENAME', KEYS[1], KEYS[2])
end
return redis.call('LINDEX', KEYS[2], 0)
`);

/**
 * Counts a death against a job and puts the job back, unless that was its last attempt.
 * KEYS: the place it is in, queue, last, deliveries. ARGV: the job, maxDeliveries.
 *
 * Returns how often a consumer of it died; the job stays in its place from maxDeliveries on.
 */
export const COUNT_DEATH = script(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local deaths = redis.call('HINCRBY', KEYS[4], ARGV[1], 1)
redis.call('PEXPIRE', KEYS[4], 604800000)
local max = tonumber(ARGV[2])
if deaths >= max then return deaths end
if deaths == max - 1 then redis.call('LMOVE', KEYS[1], KEYS[3], 'LEFT', 'RIGHT')
else redis.call('LMOVE', KEYS[1], KEYS[2], 'LEFT', 'LEFT') end
return deaths
`);

/** KEYS: workers, the hash of a worker. ARGV: its id. Forgets it when its lease is over. */
export const FORGET = script(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ends and tonumber(ends) >= now then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('UNLINK', KEYS[2])
return 1
`);

/**
 * A worker that has lost its lease is known again, as dead: what came to its places late is found.
 * KEYS: workers, the hash of the worker. ARGV: its id, number of its places.
 */
export const BEQUEATH = script(`
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[2], 'places', ARGV[2])
redis.call('ZADD', KEYS[1], now - 1, ARGV[1])
return 1
`);

/**
 * Looks for a job among the messages of a list. KEYS: the list. ARGV: the job's id, where to begin,
 * how many to look at. Returns {the first message that holds the id, or false, and its index, or the
 * length of the list where the search has passed the end}.
 */
export const FIND = script(`
local from, count = tonumber(ARGV[2]), tonumber(ARGV[3])
for index = from, from + count - 1 do
  local message = redis.call('LINDEX', KEYS[1], index)
  if not message then return {false, -1} end
  if string.find(message, ARGV[1], 1, true) then return {message, index} end
end
return {false, from + count}
`);
