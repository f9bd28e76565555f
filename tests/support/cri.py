"""A CRI client: every call by its name, messages as protoc made them."""

import grpc

from runtime.v1 import api_pb2 as api

SERVICES = {method.name: (service.full_name, method)
            for service in api.DESCRIPTOR.services_by_name.values() for method in service.methods}


class Client:
    """client.RunPodSandbox(config=…) sends RunPodSandboxRequest(config=…) and returns the response."""

    def __init__(self, socket):
        options = [("grpc.max_receive_message_length", 16 << 20), ("grpc.max_send_message_length", 16 << 20)]
        self.channel = grpc.insecure_channel("unix://" + socket, options=options)

    def method(self, name):
        service, method = SERVICES[name]
        request_type = getattr(api, method.input_type.name)
        response_type = getattr(api, method.output_type.name)
        return self.channel.unary_unary(f"/{service}/{name}", request_type.SerializeToString, response_type.FromString)

    def send(self, name, request, seconds=60):
        """Sends a request message; `seconds` is the client's own deadline."""
        return self.method(name)(request, timeout=seconds, wait_for_ready=True)

    def begin(self, name, request, seconds=60):
        """The same as a future: result(), code(), cancel()."""
        return self.method(name).future(request, timeout=seconds, wait_for_ready=True)

    def stream(self, name, request=None, seconds=60):
        """The messages of a call that streams, as they come; cancel() ends it."""
        service, method = SERVICES[name]
        request_type = getattr(api, method.input_type.name)
        response_type = getattr(api, method.output_type.name)
        call = self.channel.unary_stream(f"/{service}/{name}", request_type.SerializeToString, response_type.FromString)
        return call(request if request is not None else request_type(), timeout=seconds, wait_for_ready=True)

    def __getattr__(self, name):
        _, method = SERVICES[name]
        request_type = getattr(api, method.input_type.name)
        return lambda **fields: self.send(name, request_type(**fields))

    def close(self):
        self.channel.close()


def pod_config(name, log_directory, uid=None, **more):
    metadata = api.PodSandboxMetadata(name=name, uid=uid or name + "-uid", namespace="default", attempt=0)
    return api.PodSandboxConfig(metadata=metadata, hostname=name, log_directory=log_directory, **more)


def container_config(name, image, command=(), args=(), **more):
    return api.ContainerConfig(metadata=api.ContainerMetadata(name=name), image=api.ImageSpec(image=image),
                               command=list(command), args=list(args), log_path=name + ".log", **more)


def code_of(function, **fields):
    """(status code, message) of a call that must fail."""
    try:
        function(**fields)
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError("the call succeeded")
