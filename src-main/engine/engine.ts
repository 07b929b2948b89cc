/**
 * The composition root: makes one engine out of its rooms. Nothing else in the engine knows more than its own dependencies.
 */
import type { EngineHandlers } from '../contract/engine.ts';
import type { System } from '../system/system.ts';
import type { EngineConfig } from './config/config.ts';

export interface Engine extends AsyncDisposable {
  /** What a host serves by the contract. */
  readonly handlers: EngineHandlers;
  /** Handles pending exits and abandoned operations; with `watch` goes on until disposed. Idempotent. */
  recover(options: { readonly watch: boolean }): Promise<readonly string[]>;
}

export type CreateEngine = (config: EngineConfig, system: System) => Promise<Engine>;
