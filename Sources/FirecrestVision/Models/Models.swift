/// Networks for pictures, untrained or as PyTorch's authors trained them on ImageNet (torchvision's `models`).
///
/// ```swift
/// let net = try Models.resnet18(pretrained: true)
/// for parameter in net.parameters() { parameter.requiresGrad = false }
/// net.fc = Linear(net.fc.inFeatures, 10)          // the only layer that is trained
/// let outputs = net(images)                       // [N, 3, 224, 224] -> [N, 10]
/// ```
///
/// Each network has two functions. `Models.resnet18(numClasses: 10)` begins with random weights.
/// `try Models.resnet18(pretrained: true)` has torchvision's weights `IMAGENET1K_V1` and ImageNet's 1000 classes;
/// `pretrained: false` is the same network with random weights. Layers and states have torchvision's names, so that its
/// state dicts load into them.
///
/// Pretrained weights expect RGB pictures float32 [N, 3, H, W] whose shorter side was scaled to 256, of which the middle
/// 224 by 224 pixels were taken, with values from 0 to 1 from which channel by channel the mean [0.485, 0.456, 0.406] was
/// taken and which were divided by the standard deviation [0.229, 0.224, 0.225]. As in PyTorch a network begins in
/// training mode: call `eval()` before it is asked for classes.
///
/// Weights are downloaded once, from `https://download.pytorch.org/models`, into `weights` in the cache
/// (`Settings.cacheFolder`, the variable `FIRECREST_CACHE`). A file put there by hand under its name, such as
/// `resnet18-f37072fd.pth`, is used without network. The digits in the name begin the file's SHA-256, which is checked
/// each time.
public enum Models {}
