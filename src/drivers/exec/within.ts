// An event that is waited for only so long.

/** `otherwise` when it takes longer, ms. The timer goes with the wait: one that is left would keep this process from ending. */
export function within<T, L>(value: Promise<T>, ms: number, otherwise: L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<L>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms);
  });
  return Promise.race([value, timeout]).finally(() => clearTimeout(timer));
}
