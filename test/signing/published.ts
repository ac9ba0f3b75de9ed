import { vectors as first, type Vector } from './vectors.ts'
import { bodyAndTokenVectors } from './vectors-body.ts'
import { crmVectors } from './vectors-crm.ts'
import { paymentsVectors } from './vectors-payments.ts'
import { sinchVectors } from './vectors-sinch.ts'

/** All of them. */
export const publishedVectors: readonly Vector[] = [
  ...first,
  ...crmVectors,
  ...paymentsVectors,
  ...sinchVectors,
  ...bodyAndTokenVectors,
]
