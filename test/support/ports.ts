export { freePort } from '../../bench/processes.ts'
