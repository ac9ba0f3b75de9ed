/**
 * `text.charCodeAt(at)`, for loops over texts of senders. Texts have several forms in V8 (flat, joined, cut), and where a
 * place has seen more than four it looks the method up again at each character; a function that is known from the start
 * it does not look up.
 */
export const charCodeAt: (text: string, at: number) => number = Function.prototype.call.bind(
  String.prototype.charCodeAt,
)
