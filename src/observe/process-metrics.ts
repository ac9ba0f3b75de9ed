import { readdirSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { Counter, Gauge, type Registry } from 'prom-client'

/**
 * What Prometheus' client libraries say of every process, and how busy the event loop is. Read when it is scraped:
 * nothing samples in between.
 * https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
 */
export function addProcessMetrics(registry: Registry): void {
  const registers = [registry]
  const counters: readonly (readonly [name: string, help: string, read: () => number])[] = [
    ['process_cpu_seconds_total', 'CPU time, user and system.', () => cpuSeconds()],
    [
      'nodejs_eventloop_active_seconds_total',
      'Time in which the event loop was busy.',
      () => performance.eventLoopUtilization().active / 1000,
    ],
  ]
  for (const [name, help, read] of counters)
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  const gauges: readonly (readonly [name: string, help: string, read: () => number | undefined])[] = [
    ['process_start_time_seconds', 'When the process started, Unix time.', () => performance.timeOrigin / 1000],
    ['process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss()],
    ['process_open_fds', 'Open file descriptors.', openDescriptors],
    ['nodejs_heap_used_bytes', "V8's heap in use.", () => process.memoryUsage().heapUsed],
  ]
  for (const [name, help, read] of gauges)
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read() ?? Number.NaN)
      },
    })
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Linux only. */
function openDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return undefined
  }
}
