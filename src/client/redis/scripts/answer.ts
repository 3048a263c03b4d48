/**
 * Stores the one result of a job and takes the job off its consumer, in one step. In Cluster the
 * consumer's claim may lie on another node; then it is checked before and taken off afterwards.
 */
import { script } from "./script.js";

/**
 * KEYS: result, job, letter, text of the dead job; and where they lie on the same node: the claim,
 * the deliveries of the queue, the index of dead letters.
 *
 * ARGV: 1 token of this call, 2 how long result and job are known in ms, 3 the new state ("answered"
 * or "cancelled"), 4 "claim" when the claim must still be there, 5 the id of the job, 6 the cause of a
 * dead letter or "", 7 its reason, 8 its queue, 9 the length of its text, 10 deliveries when they lie
 * elsewhere, 11 the text of the job when the claim lies elsewhere, 12 "known" when only a job that is
 * known may be answered, 13 where the fragments were pushed before, or "", 14 their length in bytes; then
 * the fragments.
 *
 * Returns "stored"; "over": the job has ended before; "lost": the claim is gone; "unknown".
 */
export const ANSWER = script(`
local staged = ARGV[13] ~= '' and ARGV[13]
local state = redis.call('HGET', KEYS[2], 's')
if state and state ~= 'open' then
  if staged then redis.call('UNLINK', staged) end
  if redis.call('HGET', KEYS[2], 'by') == ARGV[1] then return 'stored' end
  return 'over'
end
local claim = KEYS[5]
local refusal
if not state and ARGV[12] == 'known' then refusal = 'unknown' end
if ARGV[4] == 'claim' and claim and redis.call('EXISTS', claim) == 0 then refusal = 'lost' end
if refusal then
  if staged then redis.call('UNLINK', staged) end
  return refusal
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if staged then
  if redis.call('EXISTS', staged) == 0 then return redis.error_reply('ERR the result is not there') end
  redis.call('RENAME', staged, KEYS[1])
end
for i = 15, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('HSET', KEYS[2], 's', ARGV[3], 'by', ARGV[1], 'done', now, 'size', ARGV[14])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
if ARGV[6] ~= '' then
  local deliveries = tonumber(ARGV[10])
  if claim then
    deliveries = tonumber(redis.call('HGET', KEYS[6], ARGV[5]) or '0') + deliveries
    redis.call('DEL', KEYS[4])
    redis.call('LMOVE', claim, KEYS[4], 'LEFT', 'RIGHT')
    redis.call('ZADD', KEYS[7], now, ARGV[5])
  elseif ARGV[11] ~= '' then
    redis.call('DEL', KEYS[4])
    redis.call('RPUSH', KEYS[4], ARGV[11])
  end
  redis.call('HSET', KEYS[3], 'queue', ARGV[8], 'cause', ARGV[6], 'reason', ARGV[7],
    'deliveries', deliveries, 'at', now, 'bytes', ARGV[9],
    'stored', redis.call('HGET', KEYS[2], 'at') or '')
elseif claim and ARGV[4] == 'claim' then
  redis.call('LTRIM', claim, 1, -1)
end
if claim then redis.call('HDEL', KEYS[6], ARGV[5]) end
local waiting = redis.call('HGET', KEYS[2], 'n')
if waiting then
  for channel in string.gmatch(waiting, '%S+') do redis.call('PUBLISH', channel, ARGV[5]) end
end
return 'stored'
`);

/**
 * KEYS: result, job. ARGV: channel of who waits, how long the result is kept after this fetch, in ms;
 * from how many bytes on it is not read here.
 *
 * Returns {"unknown"}, {"open"} (who waits is told), {"expired", when it ended}, {"result", fragments…},
 * {"large"}, or {"foreign", fragments…} for what another maker's pipeline pushed so far.
 */
export const LOOK = script(`
local state = redis.call('HGET', KEYS[2], 's')
if not state then return {'unknown'} end
if redis.call('EXISTS', KEYS[1]) == 1 then
  if state == 'open' then return {'foreign', unpack(redis.call('LRANGE', KEYS[1], 0, -1))} end
  if ARGV[2] ~= '0' then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    redis.call('PEXPIRE', KEYS[2], ARGV[2])
  end
  if tonumber(redis.call('HGET', KEYS[2], 'size') or '0') > tonumber(ARGV[3]) then return {'large'} end
  return {'result', unpack(redis.call('LRANGE', KEYS[1], 0, -1))}
end
if state ~= 'open' then return {'expired', redis.call('HGET', KEYS[2], 'done') or ''} end
local waiting = redis.call('HGET', KEYS[2], 'n') or ''
if not string.find(waiting, ARGV[1], 1, true) and #waiting < 2048 then
  -- Refused by a Redis that is full or read-only, it is only found later.
  redis.pcall('HSET', KEYS[2], 'n', waiting .. ' ' .. ARGV[1])
end
return {'open'}
`);

/**
 * Forgets a dead letter, unless it is a newer one. KEYS: letter, text of the dead job. ARGV: when the job
 * became the letter, or "" for whichever is there. Returns whether it was there.
 */
export const DROP_LETTER = script(`
local at = redis.call('HGET', KEYS[1], 'at')
if not at or (ARGV[1] ~= '' and at ~= ARGV[1]) then return 0 end
redis.call('UNLINK', KEYS[1], KEYS[2])
return 1
`);

/**
 * Opens a job again whose dead letter is replayed: its result is taken back.
 * KEYS: result, job, letter, text of the dead job. ARGV: how long it is known in ms, its queue.
 *
 * Returns the text of the job, or false when there is no such letter or its text is lost.
 */
export const REOPEN = script(`
local text = redis.call('LINDEX', KEYS[4], 0)
if not text then return false end
local waiting = redis.call('HGET', KEYS[2], 'n')
local at = redis.call('HGET', KEYS[3], 'stored')
redis.call('UNLINK', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[2], 's', 'open', 'q', ARGV[2], 'at', at or '')
if waiting then redis.call('HSET', KEYS[2], 'n', waiting) end
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return text
`);
