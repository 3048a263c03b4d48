/**
 * Puts a single flipped bit right. A CRC-32 tells all records that differ in one bit apart, so if
 * turning one bit makes the checksum fit, that bit was the fault. That holds for the short: of bytes
 * that are wrong altogether, one in 2³² divided by the bits tried passes by chance, which is why
 * only headers and marks are treated so and bodies are not.
 */

/**
 * Turns each of the bits from byte `at` on until `decode` finds a record, and leaves that bit turned.
 * When none will do, the bytes are as they were.
 */
export function repairBit<T>(
  buffer: Buffer,
  [at, byteCount]: readonly [at: number, byteCount: number],
  decode: () => T | undefined,
): T | undefined {
  const end = Math.min(at + byteCount, buffer.length);
  for (let index = at; index < end; index++) {
    const original = buffer[index] as number;
    for (let bit = 1; bit < 256; bit <<= 1) {
      buffer[index] = original ^ bit;
      const record = decode();
      if (record !== undefined) return record;
    }
    buffer[index] = original;
  }
  return undefined;
}
