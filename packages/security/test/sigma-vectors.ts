import { readFileSync } from 'node:fs'
import { type CompiledRule, compileRule } from '../src/detection/sigma/compile.ts'
import { readDocuments } from '../src/detection/sigma/documents.ts'
import type { Vector } from './detection-vectors.ts'

/** `vectors/sigma/`: rules of our own, what they find, and rules that are refused. */
const folder = new URL('../../../vectors/sigma/', import.meta.url)

export const SIGMA_FILES = ['process.yml', 'other.yml', 'refused.yml'] as const

export interface SigmaVectors {
  readonly rules: {
    readonly [id: string]: { readonly fires: readonly Vector[]; readonly quiet: readonly Vector[] }
  }
  /** The first reason of each. */
  readonly refused: { readonly [id: string]: string }
}

export function sigmaText(file: (typeof SIGMA_FILES)[number]): string {
  return readFileSync(new URL(file, folder), 'utf8')
}

export function sigmaVectors(): SigmaVectors {
  return JSON.parse(readFileSync(new URL('vectors.json', folder), 'utf8')) as SigmaVectors
}

/** Every rule of a YAML stream; throws for what is none. */
export function compileAll(yaml: string): readonly CompiledRule[] {
  return readDocuments(yaml).map(({ text, value = null, problem }) => {
    const compiled = problem ?? compileRule(value)
    if (typeof compiled === 'string') throw new Error(`${compiled} ${text.slice(0, 80)}`)
    return compiled
  })
}
