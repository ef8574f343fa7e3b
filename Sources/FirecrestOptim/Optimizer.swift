import CPUKernelAPI
import FirecrestCPU
import FirecrestCore

/// What all optimizers have in common (PyTorch's `torch.optim.Optimizer`).
///
/// ```swift
/// let optimizer = Adam(net.parameters(), lr: 1e-3)
/// for (x, y) in loader {
///   optimizer.zeroGrad()
///   crossEntropy(net(x), y).backward()
///   optimizer.step()
/// }
/// ```
///
/// Parameters of the half types are updated in float32 and rounded once a step, and their states are float32; a state
/// does not depend on how a parameter lies in memory.
///
/// An optimizer of your own is a subclass with an `update`:
///
/// ```swift
/// final class SignDescent: Optimizer {
///   init(_ parameters: [Tensor], lr: Double) { super.init([ParameterGroup(parameters)], defaults: [.lr: lr]) }
///   override func update(_ p: Tensor, gradient: Tensor, state: ParameterState, group: ParameterGroup) {
///     p -= group.lr * gradient.sign()
///   }
/// }
/// ```
open class Optimizer: Stateful, CustomStringConvertible {
  /// The groups of parameters, each with its settings (PyTorch's `param_groups`).
  public private(set) var groups: [ParameterGroup] = []
  /// The settings that this optimizer has, with the values of groups that say nothing else.
  public let defaults: [GroupOption: Double]
  private var pass = UpdatePass()

  /// An optimizer of groups. Stops where there is no parameter, and for values that are out of range.
  ///
  /// - Parameter groups: The groups; a group belongs to one optimizer.
  /// - Parameter defaults: All settings that this optimizer has. `lr` must be among them.
  public init(_ groups: [ParameterGroup], defaults: [GroupOption: Double]) {
    self.defaults = defaults
    for option in GroupOption.allCases {
      if let value = defaults[option], let reason = option.refusal(value) { fail(name, reason) }
    }
    if defaults[.lr] == nil { fail(name, "an optimizer needs a learning rate", help: "put .lr into the defaults") }
    if groups.isEmpty { fail(name, "there is no parameter to optimize") }
    for group in groups { addGroup(group) }
  }

  /// The class's name, for messages.
  var name: String { "\(type(of: self))" }

  /// Adds parameters with their own settings, for example layers that are no longer frozen (PyTorch's
  /// `add_param_group`).
  public func addGroup(_ group: ParameterGroup) {
    if group.parameters.isEmpty {
      fail(name, "there is no parameter to optimize", help: "the list of parameters is empty")
    }
    if group.isOwned { fail(name, "the parameter group is another optimizer's already") }
    var known = Set(groups.flatMap { $0.parameters.map { ObjectIdentifier($0) } })
    for parameter in group.parameters {
      if !parameter.dtype.isFloatingPoint { stop(name, "only floating-point tensors can be optimized", [parameter]) }
      if !parameter.isLeaf {
        stop(
          name, "only leaf tensors can be optimized; this one was computed by \(parameter.gradFn ?? "")", [parameter],
          help: "use detach() and ask for requiresGrad then")
      }
      parameter.refuseOverlap(name)
      if !known.insert(ObjectIdentifier(parameter)).inserted { stop(name, "a parameter appears twice", [parameter]) }
    }
    group.adopt(defaults, by: name)
    check(group)
    group.states = group.parameters.map { _ in ParameterState(stateNames) }
    groups.append(group)
  }

  /// Refuses settings that do not go together, when a group is added.
  open func check(_ group: ParameterGroup) {}

  /// Whether the steps of each parameter are counted and saved.
  open var countsSteps: Bool { true }

  /// The names of all tensors that this optimizer may keep of a parameter, each of the parameter's shape.
  open var stateNames: [String] { [] }

  /// Changes one parameter by its gradient, in place. Called by `step()` without recording for each parameter that has a
  /// gradient; `state.step` counts this step already.
  ///
  /// - Parameter parameter: What to change.
  /// - Parameter gradient: Its gradient, of the same shape and type.
  /// - Parameter state: What this optimizer keeps of the parameter; `stateNames` must name what is put there.
  /// - Parameter group: The settings.
  open func update(_ parameter: Tensor, gradient: Tensor, state: ParameterState, group: ParameterGroup) {
    fail(name, "has no update", help: "override update(_:gradient:state:group:)")
  }

  /// The step of one parameter as a kernel does it, nil where `update` has to be asked.
  func fusedUpdate(_ parameter: Tensor, _ state: ParameterState, _ group: ParameterGroup) -> FusedUpdate? { nil }

  /// Whether `fusedUpdate` does all the work.
  var isFused: Bool { false }

  /// The tensors that a parameter with at least one step must have, by the settings of its group.
  func requiredStates(_ setting: (GroupOption) -> Double) -> [String] { [] }

  /// Time of an element relative to an addition, by which threads are used.
  var elementCost: Int { 4 }

  /// Changes all parameters that have a gradient by one step. Nothing is recorded.
  open func step() {
    noGrad {
      for group in groups {
        for (parameter, state) in zip(group.parameters, group.states) {
          if parameter.isReplaced { refuseReplaced(parameter) }
          guard let gradient = parameter.grad else { continue }
          if countsSteps { state.step += 1 }
          if let fused = fusedUpdate(parameter, state, group) {
            pass.add(fused, parameter, gradient)
          } else {
            update(parameter, gradient: gradient, state: state, group: group)
          }
        }
      }
      pass.run(cost: elementCost)
    }
  }

  private func refuseReplaced(_ parameter: Tensor) -> Never {
    stop(
      name, "a module has other parameters since to(_:) converted them", [parameter],
      help: "convert the module before its optimizer is made")
  }

  /// Computes the loss, makes a step and returns that loss (PyTorch's `step(closure)`).
  ///
  /// - Parameter closure: Clears the gradients, computes the loss, calls `backward()` and returns the loss.
  @discardableResult
  public func step(closure: () throws -> Tensor) rethrows -> Tensor {
    let loss = try enableGrad(closure)
    step()
    return loss
  }

  /// Forgets all gradients (PyTorch's `zero_grad`).
  ///
  /// - Parameter setToNil: Whether gradients become nil, so that parameters which get none next time are skipped, or
  ///   zeros in the same memory (PyTorch's `set_to_none`).
  public func zeroGrad(setToNil: Bool = true) {
    for group in groups {
      for parameter in group.parameters {
        guard !setToNil, let gradient = parameter.grad else {
          parameter.grad = nil
          continue
        }
        // A gradient that was itself recorded is cut from its graph, as in PyTorch.
        if gradient.requiresGrad { parameter.grad = gradient.detach() }
        noGrad { parameter.grad?.zero() }
      }
    }
  }

  /// All settings, as PyTorch prints them.
  public var description: String {
    var text = "\(name) (\n"
    for (index, group) in groups.enumerated() {
      text += "Parameter Group \(index)\n"
      for line in GroupOption.allCases.compactMap({ line($0, group) }).sorted() { text += "    \(line)\n" }
    }
    return text + ")"
  }

  private func line(_ option: GroupOption, _ group: ParameterGroup) -> String? {
    guard group.has(option), option != .beta2 else { return nil }
    if option == .beta1 { return "betas: \(group.betas)" }
    let value = group[raw: option]
    if option.isFlag { return "\(option.name): \(value != 0 ? "True" : "False")" }
    return "\(option.name): \(value == 0 ? "0" : "\(value)")"
  }

  /// The settings of all groups and the states of all parameters, which are numbered through the groups:
  /// `groups.0.lr`, `groups.0.params`, `state.3.exp_avg`, `state.3.step`.
  open func stateDict() -> NamedTensors { savedState() }

  /// Takes over settings and states, exactly as they were saved.
  ///
  /// - Throws: `StateError` where the state is another optimizer's or that of other parameters; nothing has changed
  ///   then.
  open func load(_ state: NamedTensors) throws { try loadState(state) }
}
