/** Times between chunks: quantiles of any number of them, in little memory, within two percent. */

/** Up to here each millisecond has a bucket of its own; beyond, each doubling has as many. */
const EXACT = 64;

export class Gaps {
  count = 0;
  longest = 0;
  #buckets: number[] = [];

  add(ms: number): void {
    const bucket = bucketOf(Math.max(0, ms));
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.count += 1;
    this.longest = Math.max(this.longest, ms);
  }

  /** The gap that a *share* (0 to 1) of all gaps do not exceed; undefined when there is none. */
  quantile(share: number): number | undefined {
    if (!this.count) return undefined;
    let left = Math.max(1, Math.ceil(this.count * share));
    for (let bucket = 0; bucket < this.#buckets.length; bucket += 1) {
      left -= this.#buckets[bucket] ?? 0;
      if (left <= 0) return Math.min(this.longest, middleOf(bucket));
    }
    return this.longest;
  }
}

function bucketOf(ms: number): number {
  if (ms < EXACT) return Math.floor(ms);
  const doubling = Math.floor(Math.log2(ms / EXACT));
  const begin = EXACT * 2 ** doubling;
  return EXACT * (doubling + 1) + Math.floor(((ms - begin) / begin) * EXACT);
}

function middleOf(bucket: number): number {
  if (bucket < EXACT) return bucket;
  const begin = EXACT * 2 ** (Math.floor(bucket / EXACT) - 1);
  return Math.floor(begin * (1 + ((bucket % EXACT) + 0.5) / EXACT));
}
