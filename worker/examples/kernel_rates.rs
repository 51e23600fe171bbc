//! Rates of the multiplications, in GFLOP/s.
use seedgrid_worker::kernels::affine::Windows;
use std::time::Instant;
fn rate(name: &str, flop: f64, mut f: impl FnMut()) {
    f();
    let mut best = f64::INFINITY;
    for _ in 0..300 {
        let t = Instant::now();
        f();
        best = best.min(t.elapsed().as_secs_f64());
    }
    println!("{name:28} {:8.1} us {:7.1} GFLOP/s", best * 1e6, flop / best / 1e9);
}
fn main() {
    for (name, w, images, n) in [
        ("conv1", Windows::of_convolution(12, 12, 2, 3, 20), 20, 32),
        ("conv1s", Windows::of_convolution(12, 12, 1, 3, 40), 40, 32),
        ("conv2", Windows::of_convolution(10, 10, 32, 3, 20), 20, 64),
        ("conv3", Windows::of_convolution(4, 4, 64, 3, 20), 20, 128),
        ("hidden", Windows::of_vectors(128, 20), 20, 100),
        ("fc1", Windows::of_vectors(392, 20), 20, 150),
    ] {
        let x = vec![0.5f32; images * w.image_values()];
        let k = w.depth();
        let m = images * w.per_image();
        let wt = vec![0.1f32; k * n];
        let bias = vec![0.1f32; n];
        let mut y = vec![0.0f32; m * n];
        let mut dx = vec![0.0f32; x.len()];
        let mut dw = vec![0.0f32; k * n];
        let mut tr = vec![0.0f32; k * n];
        let flop = 2.0 * (m * k * n) as f64;
        rate(&format!("{name} forward"), flop, || w.forward(images, &x, &wt, &bias, &mut y));
        rate(&format!("{name} weights"), flop, || w.weights_gradient(images, n, &x, &y, &mut dw));
        rate(&format!("{name} transpose"), 0.0, || w.transpose(n, &wt, &mut tr));
        rate(&format!("{name} input"), flop, || w.input_gradient(images, n, &y, &tr, &mut dx));
        rate(&format!("{name} descend"), 0.0, || seedgrid_worker::kernels::pointwise::descend(&mut tr, &mut dw, 0.01));
    }
    for (m, n, k) in [(1280, 64, 288), (512, 512, 512)] {
        let a = vec![0.5f32; m * k];
        let b = vec![0.5f32; k * n];
        let mut c = vec![0.5f32; m * n];
        rate(&format!("gemm crate {m} {n} {k}"), 2.0 * (m * n * k) as f64, || unsafe {
            gemm::gemm(
                m,
                n,
                k,
                c.as_mut_ptr(),
                1,
                n as isize,
                false,
                a.as_ptr(),
                1,
                k as isize,
                b.as_ptr(),
                1,
                n as isize,
                0.0,
                1.0,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        });
    }
}
