import Firecrest
import Testing

/// What cannot be part of a module's state, or not be computed, stops with a message that says what to do.
@Suite struct ModuleMisuseTests {
  private struct Holder { var tensor = Tensor.ones(1) }
  private struct Wrapped { var layer = Linear(1, 1) }
  private enum Choice { case one(Linear) }
  private final class Bare: Module { var cache = Tensor.ones(2, 3) }
  private final class Missing: Module { var cache: Tensor? }
  private final class List: Module { var tensors: [Tensor] = [] }
  private final class Dictionary: Module { var tensors = ["a": Tensor.ones(1)] }
  private final class Wrappers: Module { var tensors = [Parameter(wrappedValue: Tensor.ones(1))] }
  private final class Tuple: Module { var state = (Tensor.ones(1), Tensor.ones(1)) }
  private final class TupleOfLayers: Module { var pair = (3, Linear(1, 1)) }
  private final class Struct: Module { var holder = Holder() }
  private final class StructOfLayers: Module { var parts: [Wrapped] = [Wrapped()] }
  private final class Enum: Module { var choice = Choice.one(Linear(1, 1)) }
  private final class Clash: Module {
    let fooBar = Linear(1, 1)
    let foo_bar = Linear(1, 1)
  }
  private final class Dotted: Module { let parts = ["a.b": Linear(1, 1)] }
  private final class Child: Module { weak var parent: Parent? }
  private final class Parent: Module {
    let child = Child()
    init() { child.parent = self }
  }

  @Test func tensorsWithoutRole() async {
    var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Bare().parameters()
    }
    expectMessage(result, "Firecrest: Bare: the property `cache` is a tensor that is neither parameter nor buffer")
    expectMessage(result, "float32[2, 3]")
    expectMessage(result, "help:  @Parameter var cache to train it, @Buffer var cache to save it with the state")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Missing().stateDict()
    }
    expectMessage(result, "Missing: the property `cache` is a tensor")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { _ = List().eval() }
    expectMessage(result, "List: the property `tensors` holds tensors in a collection")
    expectMessage(result, "help:  ParameterList or ParameterDict trains them")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      print(Dictionary())
    }
    expectMessage(result, "Dictionary: the property `tensors` holds tensors in a collection")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Wrappers().parameters()
    }
    expectMessage(result, "Wrappers: the property `tensors` holds tensors in a collection")
  }

  @Test func hiddenModules() async {
    var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tuple().parameters()
    }
    expectMessage(result, "Tuple: the property `state` is a tuple that holds a tensor")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = TupleOfLayers().parameters()
    }
    expectMessage(result, "TupleOfLayers: the property `pair` is a tuple that holds a module")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Struct().parameters()
    }
    expectMessage(result, "Struct: the property `holder` is a struct that holds a tensor")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = StructOfLayers().parameters()
    }
    expectMessage(result, "StructOfLayers: the property `parts` is a struct that holds a module")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Enum().parameters()
    }
    expectMessage(result, "Enum: the property `choice` is an enum that holds a module")
  }

  @Test func names() async {
    var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Clash().parameters()
    }
    expectMessage(result, "Clash: two properties have the name foo_bar in the state")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Dotted().parameters()
    }
    expectMessage(result, "Dotted: the dictionary `parts` has a module under the key \"a.b\"")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      Sequential([("a", ReLU()), ("a", ReLU())]).eval()
    }
    expectMessage(result, "Sequential: the name \"a\" cannot be used")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Sequential(ReLU())["b"]
    }
    expectMessage(result, "Sequential: there is no layer named \"b\"")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Sequential(ReLU())[1]
    }
    expectMessage(result, "Sequential: there is no layer 1 among 1")
  }

  @Test func cycle() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      print(Parent())
    }
    expectMessage(result, "Parent: the module at child.parent contains itself")
  }

  @Test func layers() async {
    var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Linear(3, 4)(Tensor.ones(2, 5))
    }
    expectMessage(result, "Firecrest: linear: input has 5 features, weight takes 3")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { _ = Linear(-1, 4) }
    expectMessage(result, "Linear: inFeatures is -1, which is negative")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { _ = Dropout(p: 1.5) }
    expectMessage(result, "Dropout: 1.5 is not a probability")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = BatchNorm2d(4)(Tensor.ones(2, 3, 5, 5))
    }
    expectMessage(result, "BatchNorm2d: the input has 3 channels, the layer 4")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = BatchNorm2d(4)(Tensor.ones(2, 4))
    }
    expectMessage(result, "BatchNorm2d: needs an input [N, C, H, W], not of 2 dimensions")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Conv2d(3, 4, kernelSize: 3, groups: 2)
    }
    expectMessage(result, "Conv2d: 3 and 4 channels do not divide into 2 groups")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Conv2d(3, 4, kernelSize: [3, 3, 3])
    }
    expectMessage(result, "Conv2d: kernelSize [3, 3, 3] does not fit 2 spatial dimensions")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Conv2d(3, 4, kernelSize: 3, stride: 2, padding: .same)
    }
    expectMessage(result, "Conv2d: padding .same needs a stride of 1")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = MaxPool2d(kernelSize: 2, padding: 2)
    }
    expectMessage(result, "MaxPool2d: padding 2 is more than half of the window's size 2")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Embedding(4, 2, paddingIndex: 4)
    }
    expectMessage(result, "Embedding: paddingIndex 4 is out of range for 4 rows")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { Linear(1, 1).to(.int32) }
    expectMessage(result, "to: a module cannot be converted to int32")
  }
}
