// The Mersenne twister MT19937 as torch's CPU generator runs it (Matsumoto & Nishimura 1998).

const SIZE = 624;
const SHIFT = 397;

export class Twister {
  /** seed: a BigInt, of which the low 32 bits are used, as in torch. */
  constructor(seed) {
    this.state = new Uint32Array(SIZE);
    this.state[0] = Number(seed & 0xffffffffn);
    for (let i = 1; i < SIZE; i++) {
      const last = this.state[i - 1];
      this.state[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
    }
    this.next = SIZE;
  }

  /** 32 random bits. */
  bits() {
    if (this.next === SIZE) this.refill();
    let word = this.state[this.next++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  /** Uniform on [0, 1), a multiple of 2^-24, as torch's float32. */
  single() {
    return (this.bits() & 0xffffff) / 2 ** 24;
  }

  /** Uniform on [0, 1), a multiple of 2^-53, as torch's float64. */
  double() {
    const high = this.bits() & 0x1fffff;
    return (high * 2 ** 32 + this.bits()) / 2 ** 53;
  }

  refill() {
    const s = this.state;
    for (let i = 0; i < SIZE; i++) {
      const mixed = (s[i] & 0x80000000) | (s[(i + 1) % SIZE] & 0x7fffffff);
      s[i] = s[(i + SHIFT) % SIZE] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
    }
    this.next = 0;
  }
}
