import { z } from 'zod'
import {
  checkMessageSignature,
  type MessageSignatureConfig,
  messageSignatureConfig,
} from './message-signature-config.ts'
import { crossCheckPreset, type PresetConfig, preset } from './signature-preset.ts'
import { type SpelledOutConfig, spelledOut } from './signature-spelled.ts'
import { crossCheckSpelled } from './signature-spelled-rules.ts'

export type SignatureConfig = PresetConfig | SpelledOutConfig | MessageSignatureConfig

/** What stands under `signature` in a config: a service by name, or a scheme spelled out. */
export const signatureConfig = z
  .union([preset, spelledOut, messageSignatureConfig])
  .superRefine((config: SignatureConfig, context) => {
    if ('provider' in config) crossCheckPreset(config, context)
    else if (config.scheme === 'http-message-signature') checkMessageSignature(config, context)
    else crossCheckSpelled(config, context)
  })
