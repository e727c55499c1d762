// CRC-64 as xz has it: ECMA-182, reflected. In two halves, since numbers have 53 bits.

const POLYNOMIAL_LOW = 0xd787_0f42;
const POLYNOMIAL_HIGH = 0xc96c_5795;

/** The CRC-64 of `bytes`. */
export function crc64(bytes: Uint8Array): bigint {
  const [lows, highs] = tables();
  let low = -1;
  let high = -1;
  for (let at = 0; at < bytes.length; at++) {
    const index = (low ^ (bytes[at] as number)) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ (lows[index] as number);
    high = (high >>> 8) ^ (highs[index] as number);
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0);
}

function tables(): [Int32Array, Int32Array] {
  const lows = new Int32Array(256);
  const highs = new Int32Array(256);
  for (let index = 0; index < 256; index++) {
    let low = index;
    let high = 0;
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = (low & 1) !== 0;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (isOdd) {
        low ^= POLYNOMIAL_LOW;
        high ^= POLYNOMIAL_HIGH;
      }
    }
    lows[index] = low;
    highs[index] = high;
  }
  return [lows, highs];
}
