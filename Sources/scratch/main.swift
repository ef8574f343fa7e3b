import Firecrest
let a = Tensor([1.0, 2, 3], requiresGrad: true)
let b = Tensor([4.0, 5, 6], requiresGrad: true)
let z = (a * b + b).sum()
z.backward()
print(a.grad!.toArray(Float.self), b.grad!.toArray(Float.self), z.item())
