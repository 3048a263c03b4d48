/** The stage that runs in threads: it does what the text of the document tells. */
const deeds = {
  /** By the clock, so that other programs on the machine change little. */
  work(message, { workMs }) {
    const endMs = performance.now() + workMs;
    while (performance.now() < endMs);
    message.payload[0].content = "worked";
    return message;
  },
  throw() {
    throw new Error("on purpose");
  },
  hang() {
    for (;;);
  },
  exit() {
    process.exit(1);
  },
};

export function act(message, { config }) {
  return deeds[message.payload[0].content](message, config);
}
