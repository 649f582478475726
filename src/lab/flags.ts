// The words of a command line as Kubernetes' own programs take them: `--name=value`, `--name` alone is true.

export type Flags = ReadonlyMap<string, string>;

export function readFlags(words: readonly string[]): Flags {
  return new Map(
    words.map((word): [string, string] => {
      const [, name = word, value = "true"] = /^--([\w-]+)(?:=(.*))?$/s.exec(word) ?? [];
      return [name, value];
    }),
  );
}

/** @throws Error in the words of the program that misses it */
export function needed(flags: Flags, name: string): string {
  const value = flags.get(name);
  if (value === undefined) throw new Error(`--${name} must be specified`);
  return value;
}
