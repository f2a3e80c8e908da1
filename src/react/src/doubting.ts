/** Whether a way of reading works: something between here and the server may hold news back. */

import { Stalled, within } from "./pausing.js";
import { STALL } from "./timing.js";

/** Ticks of silence after which an event stream that has not proven itself is looked behind. */
const DOUBTS = [2, 3, 5];

/**
 * Wait for news of an event stream of which it is not proven that they get through one by one. Now and
 * then *look* looks whether there is more than has come, and returns what to raise if that does not come
 * either; *prove* is told when events do get through. Raises that, or `Stalled`.
 */
export async function doubting<V>(
  promise: Promise<V>,
  look: () => Promise<unknown>,
  prove: () => void,
): Promise<V> {
  let left = STALL;
  for (const ticks of DOUBTS) {
    try {
      const news = await within(ticks, promise);
      // It came after a look that found nothing: so it came when it was written.
      if (left < STALL) prove();
      return news;
    } catch (error) {
      if (!(error instanceof Stalled)) throw error;
    }
    left -= ticks;
    const found = await look();
    if (!found) continue;
    // It may have been written this very moment, and be on its way.
    await within(1, promise).catch((error: unknown) => {
      throw error instanceof Stalled ? found : error;
    });
  }
  return within(left, promise);
}
