/** The parts of a key that are told apart. */
export interface IndexedKey {
  user_id: bigint;
  user_session: string;
  product_id: bigint;
}

/** Slots of an index that holds no key there. */
const EMPTY = -1;

/**
 * Finds the slot of a key: a hash table with open addressing in typed arrays, beside the keys' parts
 * in columns, so that a key costs tens of bytes and a look-up makes no text and no garbage.
 */
export class KeyIndex {
  readonly #perProduct: boolean;
  #size = 0;
  /** Slot by place in the table; {@link EMPTY} where there is none. */
  #places = new Int32Array(2048).fill(EMPTY);
  #hashes = new Int32Array(0);
  #users = new BigInt64Array(0);
  #products = new BigInt64Array(0);
  /** The same memory, halves of 32 bits each. */
  #userHalves = new Int32Array(0);
  #productHalves = new Int32Array(0);
  readonly #sessions: string[] = [];

  /** @param perProduct whether the product is a part of the key */
  constructor(perProduct: boolean) {
    this.#perProduct = perProduct;
  }

  /** Number of keys held. */
  get size(): number {
    return this.#size;
  }

  /** How the parts of a slot's key are read. */
  readonly readers: { [Part in keyof IndexedKey]: (slot: number) => IndexedKey[Part] } = {
    user_id: (slot) => this.#users[slot]!,
    user_session: (slot) => this.#sessions[slot]!,
    product_id: (slot) => this.#products[slot]!,
  };

  /** Slot of a key; -1 when it is not held. */
  find(key: IndexedKey): number {
    hash(key, this.#perProduct);
    const mask = this.#places.length - 1;
    for (let place = low & mask;; place = (place + 1) & mask) {
      const slot = this.#places[place]!;
      if (slot === EMPTY || this.#isKey(slot, key)) return slot;
    }
  }

  /** Holds a key that is not held yet, at a slot. */
  insert(slot: number, key: IndexedKey): void {
    hash(key, this.#perProduct);
    this.#hashes[slot] = low;
    this.#users[slot] = key.user_id;
    this.#products[slot] = key.product_id;
    this.#sessions[slot] = key.user_session;
    this.#size += 1;
    if (this.#size * 2 > this.#places.length) this.#enlarge();
    this.#place(slot);
  }

  /** Holds the key of a slot no longer. */
  remove(slot: number): void {
    const mask = this.#places.length - 1;
    let hole = this.#hashes[slot]! & mask;
    while (this.#places[hole] !== slot) hole = (hole + 1) & mask;
    // Those behind that would not be found past a hole move into it.
    for (let place = (hole + 1) & mask; this.#places[place] !== EMPTY; place = (place + 1) & mask) {
      const home = this.#hashes[this.#places[place]!]! & mask;
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      this.#places[hole] = this.#places[place]!;
      hole = place;
    }
    this.#places[hole] = EMPTY;
    this.#sessions[slot] = "";
    this.#size -= 1;
  }

  /** The key of a slot. */
  key(slot: number): IndexedKey {
    const { user_id, user_session, product_id } = this.readers;
    return {
      user_id: user_id(slot),
      user_session: user_session(slot),
      product_id: product_id(slot),
    };
  }

  /** 53 bits by which a key is, almost surely, told from every other. */
  fingerprint(key: IndexedKey): number {
    hash(key, this.#perProduct);
    return (high >>> 11) * 4294967296 + (low >>> 0);
  }

  /** Makes room for that many slots. */
  grow(capacity: number): void {
    this.#hashes = enlarged(this.#hashes, new Int32Array(capacity));
    this.#users = enlarged(this.#users, new BigInt64Array(capacity));
    this.#products = enlarged(this.#products, new BigInt64Array(capacity));
    this.#userHalves = new Int32Array(this.#users.buffer);
    this.#productHalves = new Int32Array(this.#products.buffer);
  }

  /** Whether a slot's key is this one, whose hash was just taken. */
  #isKey(slot: number, key: IndexedKey): boolean {
    if (this.#hashes[slot] !== low || this.#sessions[slot] !== key.user_session) return false;
    const halves = this.#userHalves;
    if (halves[slot * 2] !== user[0] || halves[slot * 2 + 1] !== user[1]) return false;
    if (!this.#perProduct) return true;
    const products = this.#productHalves;
    return products[slot * 2] === product[0] && products[slot * 2 + 1] === product[1];
  }

  #place(slot: number): void {
    const mask = this.#places.length - 1;
    let place = this.#hashes[slot]! & mask;
    while (this.#places[place] !== EMPTY) place = (place + 1) & mask;
    this.#places[place] = slot;
  }

  #enlarge(): void {
    const old = this.#places;
    this.#places = new Int32Array(old.length * 2).fill(EMPTY);
    for (const slot of old) if (slot !== EMPTY) this.#place(slot);
  }
}

// A hash is two words: handed on in variables, as an object for each would be garbage.
let low = 0;
let high = 0;
const words = new BigInt64Array(2);
const user = new Int32Array(words.buffer, 0, 2);
const product = new Int32Array(words.buffer, 8, 2);

/** Sets {@link low} and {@link high}: FNV-1a rounds with different primes, mixed at the end. */
function hash(key: IndexedKey, perProduct: boolean): void {
  words[0] = key.user_id;
  let a = Math.imul(0x811c9dc5 ^ user[0]!, 0x01000193) ^ user[1]!;
  let b = Math.imul(0x01000193 ^ user[1]!, 0x85ebca6b) ^ user[0]!;
  if (perProduct) {
    words[1] = key.product_id;
    a = Math.imul(Math.imul(a ^ product[0]!, 0x01000193) ^ product[1]!, 0x01000193);
    b = Math.imul(Math.imul(b ^ product[1]!, 0x85ebca6b) ^ product[0]!, 0x85ebca6b);
  }
  const { user_session: session } = key;
  for (let i = 0; i < session.length; i++) {
    const code = session.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x85ebca6b);
  }
  low = mixed(a);
  high = mixed(b);
}

/** Lets every bit count for every other, so that the lowest bits will do as a place. */
function mixed(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}

/** A larger column with what a smaller one held. */
export function enlarged<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
