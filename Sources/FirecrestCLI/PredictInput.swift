import Firecrest
import FirecrestTrain
import Foundation

/// The samples of an input as the recipe's network takes them: float32 `[n] + inputShape`, pixels from 0 to 1.
func loadSamples(_ input: String, _ recipe: any Recipe.Type) throws -> Tensor {
  if !fileExists(input) && input.contains(",") { return try rows(input, input, recipe) }
  let content = try fileBytes(input)
  switch content.first {
  case 0x89: return try picture(input, recipe)
  // P1 to P6; a table's first name may begin with P too.
  case UInt8(ascii: "P") where content.count > 1 && (48...57).contains(content[1]): return try picture(input, recipe)
  case 0x93: return try array(input, recipe)
  default:
    guard let text = String(validating: content, as: UTF8.self) else {
      throw UserError("\(input): this is neither a PNG or PGM picture, nor a CSV file, nor an .npy array")
    }
    return try rows(text, input, recipe)
  }
}

private func picture(_ path: String, _ recipe: any Recipe.Type) throws -> Tensor {
  guard recipe.largestPixel != nil else {
    throw UserError("\(path): \(recipe.name) takes rows of \(recipe.inputShape.elementCount) numbers, not pictures")
  }
  let image = try loadImage(path, mode: .gray)
  if image.shape != recipe.inputShape {
    func size(_ shape: Shape) -> String { "\(shape[2]) by \(shape[1])" }
    throw UserError(
      "\(path): the picture has \(size(image.shape)) pixels, \(recipe.name) needs \(size(recipe.inputShape))")
  }
  return image.unsqueeze(dim: 0).to(.float32) / 255.0
}

private func array(_ path: String, _ recipe: any Recipe.Type) throws -> Tensor {
  let x = try loadNpy(path)
  let own = Array(recipe.inputShape)
  let shape = Array(x.shape)
  // One sample or several, with its dimensions, without those of size 1, or flat.
  let forms = [own, own.filter { $0 != 1 }, [recipe.inputShape.elementCount]]
  guard forms.contains(where: { $0 == shape || $0 == Array(shape.dropFirst()) }) else {
    throw UserError(
      "\(path): the array's shape is \(x.shape); \(recipe.name) needs \(recipe.inputShape), or several of them")
  }
  return try scaled(x.reshape(Shape([-1] + own)), path, recipe)
}

private func rows(_ text: String, _ name: String, _ recipe: any Recipe.Type) throws -> Tensor {
  let count = recipe.inputShape.elementCount
  var numbers: [Float] = []
  // Spreadsheets begin their files with a byte order mark.
  let text = text.hasPrefix("\u{FEFF}") ? text.dropFirst() : text[...]
  for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
    if line.allSatisfy(\.isWhitespace) { continue }
    let fields = line.split(separator: ",", omittingEmptySubsequences: false)
    let row = fields.compactMap { number($0) }
    if row.count != fields.count { throw UserError("\(name): line \(index + 1) is not a row of numbers") }
    if row.count != count {
      throw UserError("\(name): line \(index + 1) has \(row.count) numbers, \(recipe.name) needs \(count)")
    }
    numbers += row
  }
  if numbers.isEmpty { throw UserError("\(name): there is no row of numbers") }
  return try scaled(Tensor(numbers, shape: Shape([numbers.count / count] + recipe.inputShape)), name, recipe)
}

/// A decimal number between blanks.
private func number(_ field: Substring) -> Float? {
  let text = field.trimmingCharacters(in: .whitespaces)
  return text.contains(where: { "xX".contains($0) }) ? nil : Float(text)
}

/// Pixels as the data set has them to 0…1; other numbers as they are.
private func scaled(_ x: Tensor, _ name: String, _ recipe: any Recipe.Type) throws -> Tensor {
  let y = x.to(.float32)
  guard y.elementCount > 0 else { throw UserError("\(name): there is no sample in it") }
  if !y.isFinite().all().item(as: Bool.self) { throw UserError("\(name): there are values that are not finite") }
  guard let largest = recipe.largestPixel else { return y }
  let (low, high) = (y.amin().item(), y.amax().item())
  if low < 0 || high > Double(largest) {
    throw UserError("\(name): pixels go from \(low) to \(high), \(recipe.name) needs 0 to \(largest)")
  }
  return y / Double(largest)
}
