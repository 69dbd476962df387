const ROOT = 0
const NONE = -1
/** Nodes next to the root, where nearly all of the way is made, have a row for every class. */
const MAX_DENSE_NODES = 4096
/** Entries of these rows (4 bytes each): texts of many scripts have many classes. */
const MAX_DENSE_ENTRIES = 4_000_000
const UNITS = 0x10000

/**
 * Finds all of many literals in a text at once (Aho and Corasick, 1975): steps are in proportion to
 * the length of the text, however many literals there are, and to how many different ones it has.
 */
export class LiteralIndex {
  /** Class of each code unit; 0 for those in no literal. */
  readonly #classOf = new Uint16Array(UNITS)
  #width = 1
  /** Nodes are numbered by their depth, so the first ones are nearest to the root. */
  #dense = new Int32Array(0)
  #denseNodes = 0
  #firstEdge = new Int32Array(0)
  #edgeClass = new Uint16Array(0)
  #fail = new Int32Array(0)
  /** The literal that ends at a node, and the next node on the way of failures that has one. */
  #literalAt = new Int32Array(0)
  #nextWithLiteral = new Int32Array(0)
  readonly #seen: Uint32Array
  #round = 0

  /** @param literals  different from each other, none empty */
  constructor(literals: readonly string[]) {
    const trie = new Trie(literals, this.#classOf)
    this.#width = trie.width
    this.#number(trie)
    this.#seen = new Uint32Array(this.#fail.length)
  }

  /** Steps so far, for the tests of their number. */
  steps = 0

  /** Tells the number of each literal that is in the text, once. */
  scan(text: string, found: (literal: number) => void): void {
    const round = this.#nextRound()
    let node = ROOT
    for (let at = 0; at < text.length; at++) {
      const kind = this.#classOf[text.charCodeAt(at)] as number
      node = kind === 0 ? ROOT : this.#next(node, kind)
      // Behind a node that was seen, all were seen.
      for (
        let end = this.#literalAt[node] === NONE ? this.#nextWithLiteral[node] : node;
        end !== undefined && end > ROOT && this.#seen[end] !== round;
        end = this.#nextWithLiteral[end]
      ) {
        this.#seen[end] = round
        this.steps++
        found(this.#literalAt[end] as number)
      }
    }
  }

  #nextRound(): number {
    if (++this.#round === 0xffffffff) {
      this.#seen.fill(0)
      this.#round = 1
    }
    return this.#round
  }

  #next(from: number, kind: number): number {
    let node = from
    // Each failure makes the way shorter by at least one, and each character longer by one.
    while (node >= this.#denseNodes) {
      this.steps++
      const target = this.#edge(node, kind)
      if (target !== NONE) return target
      node = this.#fail[node] as number
    }
    return this.#dense[node * this.#width + kind] as number
  }

  #edge(node: number, kind: number): number {
    let low = this.#firstEdge[node] as number
    let high = this.#firstEdge[node + 1] as number
    while (low < high) {
      const middle = (low + high) >> 1
      const found = this.#edgeClass[middle] as number
      if (found === kind) return targetOf(middle)
      if (found < kind) low = middle + 1
      else high = middle
    }
    return NONE
  }

  #number(trie: Trie): void {
    const { order, width } = trie
    const count = order.length
    this.#firstEdge = new Int32Array(count + 1)
    this.#edgeClass = new Uint16Array(count)
    this.#fail = new Int32Array(count)
    this.#literalAt = order.map((node) => trie.literalAt(node))
    this.#nextWithLiteral = new Int32Array(count)
    const rows = Math.max(1, Math.floor(MAX_DENSE_ENTRIES / width))
    this.#denseNodes = Math.min(count, MAX_DENSE_NODES, rows)
    this.#dense = new Int32Array(this.#denseNodes * width)
    let edge = 0
    for (let node = 0; node < count; node++) {
      this.#firstEdge[node] = edge
      this.#fillDense(node)
      for (const kind of trie.kindsOf(order[node] ?? ROOT)) {
        this.#edgeClass[edge] = kind
        const target = targetOf(edge++)
        const fail = node === ROOT ? ROOT : this.#next(this.#fail[node] as number, kind)
        this.#fail[target] = fail
        this.#nextWithLiteral[target] =
          this.#literalAt[fail] === NONE ? (this.#nextWithLiteral[fail] as number) : fail
        if (node < this.#denseNodes) this.#dense[node * width + kind] = target
      }
      this.#firstEdge[node + 1] = edge
    }
    this.steps = 0
  }

  /** A row begins as that of where a failure leads, which is nearer to the root and whole. */
  #fillDense(node: number): void {
    if (node >= this.#denseNodes || node === ROOT) return
    const from = (this.#fail[node] as number) * this.#width
    this.#dense.copyWithin(node * this.#width, from, from + this.#width)
  }
}

/** Nodes and edges are numbered in one order, and every node but the root has one edge to it. */
function targetOf(edge: number): number {
  return edge + 1
}

/** The literals as a tree, while the index is made. */
class Trie {
  readonly width: number
  /** Nodes from the root outwards. */
  readonly order: Int32Array
  readonly #kind: Uint16Array
  readonly #firstChild: Int32Array
  readonly #nextSibling: Int32Array
  readonly #literals: Int32Array

  /** @param classOf  filled with a class for each code unit of the literals, in their order */
  constructor(literals: readonly string[], classOf: Uint16Array) {
    this.width = numberUnits(literals, classOf)
    const most = literals.reduce((sum, { length }) => sum + length, 1)
    this.#kind = new Uint16Array(most)
    this.#firstChild = new Int32Array(most).fill(NONE)
    this.#nextSibling = new Int32Array(most).fill(NONE)
    this.#literals = new Int32Array(most).fill(NONE)
    this.order = this.#byDepth(this.#fill(literals, classOf))
  }

  literalAt(node: number): number {
    return this.#literals[node] ?? NONE
  }

  /** Classes of the edges to its children, ascending. */
  kindsOf(node: number): readonly number[] {
    const kinds: number[] = []
    for (let child = this.#firstChild[node] ?? NONE; child !== NONE; child = this.#next(child)) {
      kinds.push(this.#kind[child] ?? 0)
    }
    return kinds
  }

  #next(node: number): number {
    return this.#nextSibling[node] ?? NONE
  }

  /** Sorted, a literal leaves the way of the one before for good. @returns how many nodes there are */
  #fill(literals: readonly string[], classOf: Uint16Array): number {
    const sorted = Array.from(literals, (text, number) => ({ text, number }))
    sorted.sort((a, b) => (a.text < b.text ? -1 : 1))
    const lastChild = new Int32Array(this.#kind.length).fill(NONE)
    const way = [ROOT]
    let count = 1
    let before = ''
    for (const { text, number } of sorted) {
      for (let at = commonLength(before, text); at < text.length; at++) {
        const node = way[at] ?? ROOT
        const child = count++
        this.#kind[child] = classOf[text.charCodeAt(at)] ?? 0
        const elder = lastChild[node] ?? NONE
        if (elder === NONE) this.#firstChild[node] = child
        else this.#nextSibling[elder] = child
        lastChild[node] = child
        way[at + 1] = child
      }
      this.#literals[way[text.length] ?? ROOT] = number
      before = text
    }
    return count
  }

  #byDepth(count: number): Int32Array {
    const order = new Int32Array(count)
    let end = 1
    for (let at = 0; at < count; at++) {
      let child = this.#firstChild[order[at] ?? ROOT] ?? NONE
      for (; child !== NONE; child = this.#next(child)) order[end++] = child
    }
    return order
  }
}

/** @returns how many classes there are, with that of the units in no literal */
function numberUnits(literals: readonly string[], classOf: Uint16Array): number {
  for (const literal of literals) {
    for (let at = 0; at < literal.length; at++) classOf[literal.charCodeAt(at)] = 1
  }
  let width = 1
  for (let unit = 0; unit < UNITS; unit++) if (classOf[unit] === 1) classOf[unit] = width++
  return width
}

function commonLength(a: string, b: string): number {
  let length = 0
  while (length < a.length && a.charCodeAt(length) === b.charCodeAt(length)) length++
  return length
}
