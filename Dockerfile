# From Debian to nothing but the binary and exactly the shared objects that it loads.
#
#   docker build -t acr-admission .
#
# SOURCE_DATE_EPOCH (a build argument) fixes the times of all files in the image: the same sources give the same layers.

FROM debian:bookworm-slim AS build
COPY scripts/packages.sh /source/scripts/packages.sh
RUN bash -c 'source /source/scripts/packages.sh && install_packages "${build_packages[@]}" "${sbom_packages[@]}" ca-certificates'
COPY . /source
ARG SOURCE_DATE_EPOCH=0
RUN cmake --preset release -S /source && cmake --build /source/build/release --target acr-admission sbom -j"$(nproc)"
RUN bash /source/scripts/image-root.sh /source/build/release/acr-admission /image

FROM scratch
COPY --from=build /image /
USER 65532:65532
WORKDIR /
EXPOSE 8443 8080
ENTRYPOINT ["/usr/bin/acr-admission"]
CMD ["serve", "--config", "/etc/acr-admission/config.yaml"]
