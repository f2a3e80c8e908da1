/** Call; what it raises is its own affair, and shows up as not caught. */
export function report(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
