// Stages that the threads of `thread-stage.ts` load.

export const same = (message) => message;

/** Bytes of its own making, as from a stage that renders or converts. */
export const rewrite = (message) => {
  message.setMetadata("document", Buffer.from(message.getMetadata("document")));
  return message;
};

/** Some milliseconds of work that no platform code does for us. */
export const compute = (message, { config }) => {
  let state = 1;
  for (let step = 0; step < config.steps; step++) state = (Math.imul(state, 48_271) + step) | 0;
  message.setMetadata("state", state);
  return message;
};
