/** The child's side of `remote.ts`: answers calls until the parent is gone. */

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: never;
}

/** Takes parameters as the caller of that method sends them. */
export type Handlers = Readonly<Record<string, (params: never) => Promise<unknown>>>;

export function serveCalls(handlers: Handlers): void {
  const all: Handlers = { ready: async () => true, ...handlers };
  process.on("message", async ({ id, method, params }: Call) => {
    try {
      const handler = all[method];
      if (handler === undefined) throw new Error(`unknown method ${method}`);
      process.send?.({ id, result: (await handler(params)) ?? null });
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
  process.on("disconnect", () => process.exit(0));
  process.on("SIGINT", () => {});
}
