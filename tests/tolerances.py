"""How far float32 numbers may be from what was recorded or worked by hand. The one table; `recorded` compares."""

# Against the official code
NETWORK = 1e-4  # pictures, scores, latents: of the largest number of the output
LOSS = 1e-5  # of max(1, |loss|)
GRADIENT = 1e-3  # of the variable's largest gradient: where an activation sits on the kink of the leaky ReLU it flips
GRADIENT_L2 = 2e-4  # of the L2 norm of the variable's gradient
ADAM = 1e-6  # of max(1, |weight|): after one step fed with the recorded gradients
ITERATION = 1e-5  # a weight after one iteration, absolute,
ITERATION_SHARE = 0.99  # of the weights of each network: with beta1 = 0 Adam is nearly the sign of the gradient
ITERATIONS_OF_RATE = 2.0  # any weight after n iterations: 2 x learning rate x n, what opposite signs come to
FIRST_AVERAGE = 3e-7  # of max(1, |weight|): Gs after one iteration comes from the first weights of G, rounded once
AVERAGE = 2e-5  # Gs after three iterations, absolute
UINT8_SHARE = 1e-3  # of the pixels of pictures that may differ, by one level
REALS = 1e-6  # real pictures on their way to the discriminator, absolute

# Against numbers worked by hand, absolute
BY_HAND = 1e-6
STATISTICS = 1e-5  # where a root of a mean lies between

# Between two ways of computing the same with our own code, of the largest number
SAME = 1e-5  # rounding in another order
REPLICAS = 1e-5  # one and two replicas
HALF = {
    "mixed_bfloat16": 0.05,
    "mixed_float16": 0.01,
}  # mixed precision and float32
