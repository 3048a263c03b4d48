/** A sequence is a safe integer; on disk it has 8 bytes. */
const HIGH = 2 ** 32;

export function writeSequence(buffer: Buffer, sequence: number, at: number): void {
  buffer.writeUInt32BE(Math.floor(sequence / HIGH), at);
  buffer.writeUInt32BE(sequence % HIGH, at + 4);
}

/** May be no safe integer when the bytes are not what was written. */
export function readSequence(buffer: Buffer, at: number): number {
  return buffer.readUInt32BE(at) * HIGH + buffer.readUInt32BE(at + 4);
}
