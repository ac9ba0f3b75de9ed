import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { count } from './format.js'
import { html } from './html.js'
import { onColours } from './theme.js'

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {string} colour a custom property of the style sheet
 * @property {readonly (number | null)[]} values
 */

/**
 * The colour as the theme has it.
 * @param {HTMLElement} element @param {string} name
 */
function colourOf(element, name) {
  element.style.color = `var(${name})`
  const { color } = getComputedStyle(element)
  element.style.color = ''
  return color
}

/**
 * A chart over time; `stacked` are bars upon each other, otherwise lines.
 * @param {{ title: string, summary: string, from: number, step: number, lines: readonly Line[], stacked?: boolean, height?: number, format?: (value: number) => string }} props
 *   `from` and `step` in seconds
 */
export function Chart({ title, summary, from, step, lines, stacked = false, height = 200, format = count }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null))
  useEffect(() => {
    const element = box.current
    if (element === null) return
    /** @type {uPlot | undefined} */
    let plot
    const draw = () => {
      plot?.destroy()
      plot = new uPlot(
        optionsOf(element, { height, lines, stacked, format }),
        dataOf({ from, step, lines, stacked }),
        element,
      )
    }
    draw()
    const ended = onColours(draw)
    const sized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height }))
    sized.observe(element)
    return () => {
      ended()
      sized.disconnect()
      plot?.destroy()
    }
  }, [from, step, lines, stacked, height, format])
  return html`<figure class=${stacked ? 'chart stacked' : 'chart'}>
    <figcaption>${title}</figcaption>
    <div ref=${box} role="img" aria-label=${`${title}: ${summary}`} />
  </figure>`
}

/** @param {{ from: number, step: number, lines: readonly Line[], stacked: boolean }} what */
function dataOf({ from, step, lines, stacked }) {
  const times = Array.from({ length: lines[0]?.values.length ?? 0 }, (_, index) => from + index * step)
  if (!stacked) return /** @type {uPlot.AlignedData} */ ([times, ...lines.map(({ values }) => [...values])])
  // The first line stands lowest and is drawn last: each series is the sum of its own and those below it.
  const sums = lines.map((_, index) =>
    times.map((_time, at) => lines.slice(0, index + 1).reduce((sum, { values }) => sum + (values[at] ?? 0), 0)),
  )
  return /** @type {uPlot.AlignedData} */ ([times, ...sums.reverse()])
}

/**
 * @param {HTMLElement} element
 * @param {{ height: number, lines: readonly Line[], stacked: boolean, format: (value: number) => string }} what
 * @returns {uPlot.Options}
 */
function optionsOf(element, { height, lines, stacked, format }) {
  const axis = { stroke: colourOf(element, '--dim'), font: '12px system-ui', labelFont: '12px system-ui' }
  const grid = { stroke: colourOf(element, '--grid'), width: 1 }
  const paths = uPlot.paths.bars?.({ size: [0.8, 40] })
  const bars = stacked && paths ? { paths } : {}
  const order = stacked ? [...lines].reverse() : lines
  return {
    width: element.clientWidth,
    height,
    cursor: { y: false, drag: { x: false, y: false }, points: { show: !stacked } },
    scales: { y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    axes: [
      { ...axis, grid: { show: false }, ticks: grid, values: (_plot, splits) => splits.map(hourOf) },
      { ...axis, grid, ticks: { show: false }, size: 56, values: (_plot, splits) => splits.map(each => format(each)) },
    ],
    series: [
      { label: 'at', value: (_plot, value) => (value === null ? '' : hourOf(value)) },
      ...order.map((line, index) => ({
        label: line.label,
        stroke: colourOf(element, line.colour),
        ...(stacked ? { fill: colourOf(element, line.colour), width: 0 } : { width: 1.5 }),
        points: { show: !stacked && isSparse(line.values), size: 4 },
        ...bars,
        value: (
          /** @type {uPlot} */ _plot,
          /** @type {number} */ _sum,
          /** @type {number} */ _series,
          /** @type {number | null} */ at,
        ) => {
          const value = at === null ? undefined : order[index]?.values[at]
          return value === undefined || value === null ? '' : format(value)
        },
      })),
    ],
  }
}

/** @param {number} epoch seconds */
const hourOf = epoch => new Date(epoch * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })

/** @param {readonly (number | null)[]} values */
const isSparse = values => values.filter(value => value !== null).length < values.length / 4

/**
 * Half hours of a day as small bars: accepted below, refused and failed upon them.
 * @param {{ bars: readonly (readonly [number, number, number])[] }} props
 */
export function DayBars({ bars }) {
  const highest = Math.max(1, ...bars.map(([accepted, refused, failed]) => accepted + refused + failed))
  const sum = (/** @type {number} */ at) => bars.reduce((total, bar) => total + (bar[at] ?? 0), 0)
  const label = `Last day: ${count(sum(0))} accepted, ${count(sum(1))} refused, ${count(sum(2))} failed`
  return html`<svg class="day" viewBox="0 0 ${bars.length * 4 || 4} 24" preserveAspectRatio="none" role="img" aria-label=${label}>
    ${bars.map((bar, index) => {
      let top = 24
      return bar.map((value, kind) => {
        if (value === 0) return null
        const height = Math.max(1, (value / highest) * 24)
        top -= height
        return html`<rect key=${`${index} ${kind}`} class=${['ok', 'refused', 'failed'][kind]} x=${index * 4} y=${Math.max(0, top)} width="3" height=${height} />`
      })
    })}
  </svg>`
}
