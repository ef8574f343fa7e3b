// Sums of products described by letters.

/// A parsed equation: a label for each dimension of each operand, and those of the result.
private struct Equation {
  var operands: [[Int]] = []
  var result: [Int] = []

  /// Letters are labels 0 ..< 52 in the order A–Z, a–z; the dimensions of an ellipsis are labels from 52 on.
  private static func label(_ character: Character) -> Int? {
    guard let code = character.asciiValue else { return nil }
    switch code {
    case 65...90: return Int(code) - 65
    case 97...122: return Int(code) - 97 + 26
    default: return nil
    }
  }

  init(_ text: String, _ tensors: [Tensor]) throws(OpError) {
    let parts = text.filter { $0 != " " }.split(separator: ">", omittingEmptySubsequences: false)
    var inputs = parts[0]
    if parts.count > 2 || (parts.count == 2 && inputs.last != "-") { throw OpError("'\(text)' is not an equation") }
    if parts.count == 2 { inputs = inputs.dropLast() }
    let terms = inputs.split(separator: ",", omittingEmptySubsequences: false)
    if terms.count != tensors.count {
      throw OpError("the equation '\(text)' has \(terms.count) operands, \(tensors.count) were given")
    }
    // How many dimensions the ellipsis stands for: most of any operand; the others broadcast to it.
    let split = try terms.map { (term) throws(OpError) in try Equation.split(term, text) }
    var width = 0
    var hasEllipsis = false
    for (i, term) in split.enumerated() {
      let letters = term.before.count + (term.after?.count ?? 0)
      let rest = tensors[i].rank - letters
      if term.after == nil ? rest != 0 : rest < 0 {
        throw OpError("operand \(i) has \(tensors[i].rank) dimensions, '\(terms[i])' names \(letters)")
      }
      if term.after != nil { hasEllipsis = true }
      width = max(width, rest)
    }
    for (i, term) in split.enumerated() {
      let rest = tensors[i].rank - term.before.count - (term.after?.count ?? 0)
      operands.append(term.before + (52 + width - rest..<52 + width) + (term.after ?? []))
    }
    if parts.count == 2 {
      let term = try Equation.split(parts[1], text)
      result = term.before + (term.after == nil ? [] : Array(52..<52 + width)) + (term.after ?? [])
      if term.after != nil && !hasEllipsis { throw OpError("only the result of '\(text)' has an ellipsis") }
      for (i, label) in result.enumerated() {
        if result[..<i].contains(label) { throw OpError("the result of '\(text)' names a dimension twice") }
        if label < 52 && !operands.contains(where: { $0.contains(label) }) {
          throw OpError("the result of '\(text)' names a dimension that no operand has")
        }
      }
    } else {
      var counts: [Int: Int] = [:]
      for label in operands.joined() { counts[label, default: 0] += 1 }
      result = Array(52..<52 + width) + counts.filter { $0.key < 52 && $0.value == 1 }.keys.sorted()
    }
  }

  /// The labels before and after an ellipsis; `after` is nil where there is none.
  private static func split(_ term: Substring, _ text: String) throws(OpError) -> (before: [Int], after: [Int]?) {
    var before: [Int] = []
    var after: [Int]?
    var rest = term
    while let character = rest.first {
      if character == "." {
        if !rest.hasPrefix("...") || after != nil { throw OpError("'\(text)' has a stray '.'") }
        after = []
        rest = rest.dropFirst(3)
        continue
      }
      guard let label = label(character) else {
        throw OpError("'\(character)' in '\(text)' names no dimension", help: "use letters, ',', '...' and '->'")
      }
      if after == nil { before.append(label) } else { after!.append(label) }
      rest = rest.dropFirst()
    }
    return (before, after)
  }
}

/// A tensor whose dimensions have names.
private struct Labelled {
  var tensor: Tensor
  var labels: [Int]

  /// Repeated labels become the diagonal.
  mutating func takeDiagonals() {
    var i = 0
    while i < labels.count {
      guard let j = labels[(i + 1)...].firstIndex(of: labels[i]) else {
        i += 1
        continue
      }
      if tensor.shape[i] != tensor.shape[j] {
        stop("einsum", "a dimension named twice has sizes \(tensor.shape[i]) and \(tensor.shape[j])", [tensor])
      }
      tensor = tensor.diagonal(dim1: i, dim2: j)
      let label = labels[i]
      labels.remove(at: j)
      labels.remove(at: i)
      labels.append(label)
      i = 0
    }
  }

  /// Sums over the dimensions that are not in `kept`.
  mutating func sum(keeping kept: Set<Int>) {
    let dims = labels.indices.filter { !kept.contains(labels[$0]) }
    if dims.isEmpty { return }
    tensor = tensor.sum(dims: Array(dims)).to(tensor.dtype)
    labels = labels.filter(kept.contains)
  }

  func size(_ label: Int) -> Int { labels.firstIndex(of: label).map { tensor.shape[$0] } ?? 1 }

  /// The dimensions in the order of `order`, with size 1 where one is missing, and repeated to `sizes`.
  func arranged(_ order: [Int], _ sizes: [Int]) -> Tensor {
    var y = tensor.permute(order.compactMap { labels.firstIndex(of: $0) })
    for (d, label) in order.enumerated() where !labels.contains(label) { y = y.unsqueeze(dim: d) }
    return y.expand(Shape(sizes))
  }
}

/// The sum of products of tensors whose dimensions are named by letters: `einsum("bij,bjk->bik", a, b)` (PyTorch's
/// `einsum`).
///
/// A letter that several operands share runs along all of them (sizes equal, or 1 to repeat); one that the result does
/// not name is summed over; one that an operand repeats takes its diagonal. `...` stands for all other dimensions and
/// broadcasts. Without `->` the result has the letters that occur once, in alphabetical order. Operands are contracted
/// from left to right, two at a time, by matrix products.
public func einsum(_ equation: String, _ tensors: Tensor...) -> Tensor { einsum(equation, tensors) }

/// The sum of products of a list of tensors.
public func einsum(_ equation: String, _ tensors: [Tensor]) -> Tensor {
  if tensors.isEmpty { stop("einsum", "needs at least one tensor", []) }
  let parsed: Equation
  do { parsed = try Equation(equation, tensors) } catch { stop("einsum", error, tensors) }
  var operands = zip(tensors, parsed.operands).map { Labelled(tensor: $0, labels: $1) }
  for i in operands.indices { operands[i].takeDiagonals() }
  var y = operands.removeFirst()
  while !operands.isEmpty {
    let next = operands.removeFirst()
    let needed = Set(parsed.result).union(operands.flatMap(\.labels))
    y = contract(y, next, needed, tensors)
  }
  y.sum(keeping: Set(parsed.result))
  // A dimension of the result that only an ellipsis elsewhere had is already there; the rest is a matter of order.
  return y.tensor.permute(parsed.result.map { y.labels.firstIndex(of: $0)! })
}

/// The product of two operands, summed over what nobody needs any more.
private func contract(_ x: Labelled, _ y: Labelled, _ needed: Set<Int>, _ tensors: [Tensor]) -> Labelled {
  var (x, y) = (x, y)
  x.sum(keeping: needed.union(y.labels))
  y.sum(keeping: needed.union(x.labels))
  func size(_ label: Int) -> Int {
    let (a, b) = (x.size(label), y.size(label))
    if a != b && a != 1 && b != 1 { stop("einsum", "a shared dimension has sizes \(a) and \(b)", tensors) }
    return a == 1 ? b : a
  }
  let shared = x.labels.filter(y.labels.contains)
  let batch = shared.filter(needed.contains)
  let summed = shared.filter { !needed.contains($0) }
  let left = x.labels.filter { !y.labels.contains($0) }
  let right = y.labels.filter { !x.labels.contains($0) }
  func sizes(_ labels: [Int]) -> [Int] { labels.map(size) }
  func count(_ labels: [Int]) -> Int { sizes(labels).reduce(1, *) }
  let a = x.arranged(batch + left + summed, sizes(batch + left + summed))
  let b = y.arranged(batch + summed + right, sizes(batch + summed + right))
  let shape = Shape(sizes(batch + left + right))
  let labels = batch + left + right
  let (p, m, k, n) = (count(batch), count(left), count(summed), count(right))
  let product: Tensor
  if summed.isEmpty {
    product = a.reshape([p, m, 1]) * b.reshape([p, 1, n])
  } else if batch.isEmpty {
    product = a.reshape([m, k]).matmul(b.reshape([k, n]))
  } else {
    product = a.reshape([p, m, k]).matmul(b.reshape([p, k, n]))
  }
  return Labelled(tensor: product.reshape(shape), labels: labels)
}

/// The sum of products over the last `dims` dimensions of `a` and the first `dims` of `b` (PyTorch's `tensordot`).
public func tensordot(_ a: Tensor, _ b: Tensor, dims: Int = 2) -> Tensor {
  if dims < 0 || dims > min(a.rank, b.rank) { stop("tensordot", "cannot sum over \(dims) dimensions", [a, b]) }
  return tensordot(a, b, dims: (Array(a.rank - dims..<a.rank), Array(0..<dims)))
}

/// The sum of products over the dimensions `dims.0` of `a` and `dims.1` of `b`; the result has the other dimensions of
/// `a`, then those of `b` (PyTorch's `tensordot`).
public func tensordot(_ a: Tensor, _ b: Tensor, dims: ([Int], [Int])) -> Tensor {
  let first = dims.0.map { a.resolve($0, "tensordot") }
  let second = dims.1.map { b.resolve($0, "tensordot") }
  if first.count != second.count || Set(first).count != first.count || Set(second).count != second.count {
    stop("tensordot", "needs as many different dimensions of both", [a, b])
  }
  var (a, b) = (a, b)
  for (i, j) in zip(first, second) where a.shape[i] != b.shape[j] {
    // A size of 1 repeats: summing the other side first is the same.
    if a.shape[i] == 1 {
      b = b.sum(dim: j, keepDim: true).to(b.dtype)
    } else if b.shape[j] == 1 {
      a = a.sum(dim: i, keepDim: true).to(a.dtype)
    } else {
      stop("tensordot", "sizes differ: \(a.shape[i]) (left, dim \(i)), \(b.shape[j]) (right, dim \(j))", [a, b])
    }
  }
  let left = (0..<a.rank).filter { !first.contains($0) }
  let right = (0..<b.rank).filter { !second.contains($0) }
  let m = left.reduce(1) { $0 * a.shape[$1] }
  let n = right.reduce(1) { $0 * b.shape[$1] }
  let k = first.reduce(1) { $0 * a.shape[$1] }
  let x = a.permute(left + first).reshape([m, k])
  let y = b.permute(second + right).reshape([k, n])
  let shape = Shape(left.map { a.shape[$0] } + right.map { b.shape[$0] })
  return x.matmul(y).view(shape)
}
