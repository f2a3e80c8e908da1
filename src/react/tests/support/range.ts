/** Return `count` numbers from `first` on. */
export const range = (count: number, first = 0) => [...Array(count).keys()].map((n) => n + first);
