/** Bounds a wait for work that cannot be cancelled. */
import { clampTimerMs } from "./limits.js";

/** Whether the work was settled, well or not, when the time was over. Never rejects. */
export function settlesWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), clampTimerMs(timeoutMs));
    const settled = () => {
      clearTimeout(timer);
      resolve(true);
    };
    work.then(settled, settled);
  });
}
