// Work on many things, as many at once as whoever does it takes.

/** In order, each of at most `size`. */
export function batchesOf<T>(items: readonly T[], size = 1): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/** All at once. Nothing is under way any more when it resolves or rejects, with the first failure in the order of the items. */
export async function allOf<T, R>(
  items: readonly T[],
  action: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const ends = await Promise.allSettled(items.map(async (item) => action(item)));
  return ends.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
}
