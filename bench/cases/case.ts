import type { Section } from '../document.ts'
import type { Figures } from '../figures.ts'
import type { Options } from '../options.ts'
import type { Peer } from '../peers/peer.ts'

/** What a case finds when it runs. */
export interface Scene {
  /** A temporary folder. */
  readonly root: string
  /** The port of 127.0.0.1 of the upstream. */
  readonly upstream: number
  readonly peers: readonly Peer[]
  readonly options: Options
}

/** A case with a course of its own; the others are works, which all take the same course. */
export interface Case {
  readonly name: string
  readonly title: string
  run(scene: Scene): Promise<Section | Figures>
}
