// The age format (age-encryption.org/v1), with the library of that name. It takes a while to load: only who encrypts waits for it.
import type * as Age from "age-encryption";

export function loadAge(): Promise<typeof Age> {
  return import("age-encryption");
}

export interface Encrypted {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** The size of the whole for so many plain bytes. */
  sizeFor(plainBytes: number): number;
  /** Decrypts what is read back; possible until `forget`, with the file's key, which only memory has. */
  decrypted(chunks: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>>;
  forget(): void;
}

/** Encrypts a stream for the recipients. The key of the file is wrapped for each of them and for nobody else. */
export async function encrypted(
  plain: AsyncIterable<Uint8Array>,
  recipients: readonly string[],
): Promise<Encrypted> {
  const { Encrypter, Decrypter } = await loadAge();
  const fileKey = new Uint8Array(16);
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  // Takes note of the key, and writes no stanza of its own into the header.
  encrypter.addRecipient({
    wrapFileKey(key) {
      fileKey.set(key);
      return [];
    },
  });
  const stream = await encrypter.encrypt(streamOf(plain));
  return {
    chunks: iterate(stream),
    sizeFor: (plainBytes) => stream.size(plainBytes),
    decrypted: async (chunks) => {
      const decrypter = new Decrypter();
      decrypter.addIdentity({ unwrapFileKey: () => Uint8Array.from(fileKey) });
      return iterate(await decrypter.decrypt(streamOf(chunks)));
    },
    forget: () => void fileKey.fill(0),
  };
}

/** Pulled chunk by chunk: no more is in memory than is worked on. */
function streamOf(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

async function* iterate(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}
