/** Stores a message at the end of a queue, once. */
import { script } from "./script.js";

/** How the message comes into the queue, and out again when it may not be there. */
const INTO = {
  script: { come: "redis.call('RPUSH', KEYS[1], ARGV[1])", go: "", own: 0 },
  // A command right before the script has pushed it.
  command: { come: "", go: "redis.call('LTRIM', KEYS[1], 0, -2)", own: 1 },
} as const;

/**
 * KEYS: the queue; what remembers the push (a job's own hash, or a key of the push); workers of the
 * queue. ARGV: the message, how long the push is remembered in ms, maxQueueSize (0: none), the
 * prefixes of the hashes of workers and of claims, the name of the queue, "1" when the message lies
 * outside of Redis, the channel of who waits for the result or "".
 *
 * Returns "stored" or "full". What workers hold is counted only where it can matter: near the bound,
 * taking it that none of them holds more than 256.
 */
const pushScript = ({ come, go, own }: (typeof INTO)[keyof typeof INTO]) =>
  script(`
if redis.call('EXISTS', KEYS[2]) == 1 then ${go} return 'stored' end
local max = tonumber(ARGV[3])
if max > 0 then
  local count = redis.call('LLEN', KEYS[1]) - ${own}
  local workers = redis.call('ZCARD', KEYS[3])
  if count < max and count + workers * 256 >= max then
    for _, worker in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
      local places = tonumber(redis.call('HGET', ARGV[4] .. worker, 'places') or '0')
      for place = 0, places - 1 do
        count = count + redis.call('EXISTS', ARGV[5] .. worker .. ':' .. place)
      end
      if count >= max then break end
    end
  end
  if count >= max then ${go} return 'full' end
end
${come}
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[2], 's', 'open', 'q', ARGV[6], 'at', now, 'ref', ARGV[7])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
if ARGV[8] ~= '' then redis.call('HSET', KEYS[2], 'n', ARGV[8]) end
return 'stored'
`);

export const PUSH = pushScript(INTO.script);
/** As `PUSH`, for a message that the command before it has pushed; ARGV[1] is not looked at. */
export const CONFIRM_PUSH = pushScript(INTO.command);

/**
 * Makes a job known on the node of its result, where that is not the node of its queue (Cluster).
 * KEYS: the job. ARGV: how long it is known in ms, the name of the queue, "1" when
 * its text lies outside of Redis, the channel of who waits for the result or "".
 */
export const KNOW = script(`
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[1], 's', 'open', 'q', ARGV[2], 'at', now, 'ref', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'n', ARGV[4]) end
return 1
`);
